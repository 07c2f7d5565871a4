//! Logos that are taken, and everything that a hostile one can try.

use std::fmt::Write as _;

use super::{LogoProblem, MAX_BYTES, SvgProblem, css::StyleProblem, judge};
use crate::issuer_api::administration::oidc_clients::LogoFormat;

/// A PNG of one pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

pub(super) fn png() -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(PNG).unwrap()
}

fn svg(inner: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         viewBox=\"0 0 8 8\">{inner}</svg>"
    )
}

#[track_caller]
fn problem(text: &str) -> SvgProblem {
    match judge(text.as_bytes()) {
        Err(LogoProblem::BadSvg { problem, .. }) => problem,
        other => panic!("{other:?}: {text}"),
    }
}

#[test]
fn drawings_as_editors_save_them_are_taken() {
    let drawings = [
        svg("<path d=\"M0 0h8v8z\" fill=\"#f00\"/>"),
        svg(
            "<title>Shop &amp; Co &lt;3 &#169;</title><desc>a logo</desc><g id=\"a\"><circle r=\"2\"/></g>",
        ),
        svg("<defs><linearGradient id=\"a\"><stop offset=\"0\"/></linearGradient></defs>\
             <rect fill=\"url(#a)\" style=\"stroke: url( '#a' )\" width=\"8\" height=\"8\"/>"),
        svg(
            "<style type=\"text/css\"><![CDATA[ .a{fill:url(#x)} @media print{.a{fill:none}} ]]></style>",
        ),
        svg(
            "<style>.a { background: url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==) }</style>",
        ),
        svg(
            "<symbol id=\"s\"><path d=\"M0 0\"/></symbol><use href=\"#s\"/><use xlink:href=\"#s\"/>",
        ),
        svg(&format!(
            "<image xlink:href=\"data:image/png;base64,{PNG}\" width=\"1\" height=\"1\"/>"
        )),
        svg(&format!("<image href=\"data:image/PNG;base64,\n{}\n{}\"/>", &PNG[..40], &PNG[40..])),
        svg("<circle r=\"1\"><animate attributeName=\"r\" to=\"2\" dur=\"1s\"/></circle>"),
        svg("<a href=\"#top\"><text>x</text></a>"),
        // An editor's own data.
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<!-- Created with an editor -->\n{}",
            svg("<sodipodi:namedview xmlns:sodipodi=\"http://sodipodi.sourceforge.net/x.dtd\" \
                 xmlns:inkscape=\"http://www.inkscape.org/namespaces/inkscape\" \
                 inkscape:export-filename=\"C:\\logos\\a.png\" pagecolor=\"#ffffff\"/>\
                 <metadata><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
                 xmlns:cc=\"http://creativecommons.org/ns#\"><cc:Work rdf:about=\"\"/></rdf:RDF></metadata>")
        ),
        format!("\u{feff}{}", svg("")),
        format!("\n  {}", svg("")),
        svg(&"<g>".repeat(100).to_string())
            .replace("</svg>", &format!("{}</svg>", "</g>".repeat(100))),
        "<s:svg xmlns:s=\"http://www.w3.org/2000/svg\"><s:path d=\"M0 0\"/></s:svg>".to_owned(),
    ];
    for drawing in drawings {
        assert_eq!(judge(drawing.as_bytes()), Ok(LogoFormat::Svg), "{drawing}");
    }
    assert_eq!(judge(&png()), Ok(LogoFormat::Png));
}

/// Elements that run, load or embed something, by any name, in any namespace.
#[test]
fn elements_that_do_more_than_draw_are_refused() {
    let xhtml = "xmlns:h=\"http://www.w3.org/1999/xhtml\"";
    for inner in [
        "<script>alert(1)</script>".to_owned(),
        "<script href=\"#a\"/>".to_owned(),
        "<SCRIPT>alert(1)</SCRIPT>".to_owned(),
        "<s:script xmlns:s=\"http://www.w3.org/2000/svg\">alert(1)</s:script>".to_owned(),
        "<script xmlns=\"urn:other\">alert(1)</script>".to_owned(),
        "<o:script xmlns:o=\"urn:other\">alert(1)</o:script>".to_owned(),
        format!("<h:script {xhtml}>alert(1)</h:script>"),
        format!("<h:img {xhtml}/>"),
        format!("<h:p {xhtml}/>"),
        "<img xmlns=\"http://www.w3.org/1999/xhtml\"/>".to_owned(),
        "<foreignObject><p/></foreignObject>".to_owned(),
        "<foreignobject/>".to_owned(),
        "<o:foreignObject xmlns:o=\"urn:other\"/>".to_owned(),
        "<iframe/>".to_owned(),
        "<embed/>".to_owned(),
        "<object/>".to_owned(),
        "<img xmlns=\"urn:other\"/>".to_owned(),
        "<video/>".to_owned(),
        "<canvas/>".to_owned(),
        "<handler/>".to_owned(),
        "<discard/>".to_owned(),
        "<font-face-uri/>".to_owned(),
        "<link/>".to_owned(),
        "<meta/>".to_owned(),
        "<an-element-of-tomorrow/>".to_owned(),
        "<p xmlns=\"\"/>".to_owned(),
        "<e:listener xmlns:e=\"http://www.w3.org/2001/xml-events\"/>".to_owned(),
        "<x:include xmlns:x=\"http://www.w3.org/2001/XInclude\"/>".to_owned(),
        "<x:stylesheet xmlns:x=\"http://www.w3.org/1999/XSL/Transform\"/>".to_owned(),
        "<m:math xmlns:m=\"http://www.w3.org/1998/Math/MathML\"/>".to_owned(),
        "<style><o:style xmlns:o=\"urn:other\">x</o:style></style>".to_owned(),
    ] {
        let found = problem(&svg(&inner));
        assert!(matches!(found, SvgProblem::Element(_)), "{found:?}: {inner}");
    }
}

#[test]
fn attributes_that_run_or_load_something_are_refused() {
    for inner in [
        "<g onload=\"alert(1)\"/>",
        "<g ONLOAD=\"alert(1)\"/>",
        "<g onclick=\"\"/>",
        "<g on=\"\"/>",
        "<g x:onload=\"\" xmlns:x=\"urn:x\"/>",
        "<g s:onload=\"\" xmlns:s=\"http://www.w3.org/2000/svg\"/>",
        "<g xml:base=\"https://evil.test/\"/>",
        "<image src=\"x.png\"/>",
        "<image srcset=\"x.png\"/>",
        "<a href=\"#a\" ping=\"https://evil.test\"/>",
        "<g formaction=\"javascript:alert(1)\"/>",
        "<a href=\"#a\"><animate attributeName=\"href\" values=\"javascript:alert(1)\"/></a>",
        "<a href=\"#a\"><set attributeName=\"xlink:href\" to=\"#b\"/></a>",
        "<set attributeName=\" onload \" to=\"alert(1)\"/>",
        "<animate attributeName=\"OnClick\" to=\"alert(1)\"/>",
    ] {
        let found = problem(&svg(inner));
        assert!(matches!(found, SvgProblem::Attribute(_)), "{found:?}: {inner}");
    }
    let root = svg("").replace("viewBox=", "onload=\"alert(1)\" viewBox=");
    assert!(matches!(problem(&root), SvgProblem::Attribute(_)));
}

#[test]
fn a_reference_leads_nowhere_else() {
    for reference in [
        "",
        "#",
        "# a",
        "https://evil.test/x",
        "//evil.test/x",
        "/x",
        "x.svg#a",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "java&#10;script:alert(1)",
        " #a",
        "\\\\evil.test\\x",
        "file:///etc/passwd",
        "data:text/html,x",
        "data:text/html;base64,iVBORw0KGgoAAAANSUhEUg==",
        "data:image/svg+xml,%3Csvg/%3E",
        "data:image/svg+xml;base64,iVBORw0KGgoAAAANSUhEUg==",
        "data:image/png,iVBORw0KGgo",
        "data:image/png;charset=utf-8;base64,iVBORw0KGgoAAAANSUhEUg==",
        "data:image/png;base64,",
        // An SVG that says that it is a PNG.
        "data:image/png;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==&lt;script&gt;",
        " data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==",
    ] {
        for name in ["href", "xlink:href", "HREF"] {
            for element in ["a", "use", "image", "feImage"] {
                let text = svg(&format!("<{element} {name}=\"{reference}\"/>"));
                let found = problem(&text);
                assert!(matches!(found, SvgProblem::Reference(_)), "{found:?}: {text}");
            }
        }
    }
}

#[test]
fn style_loads_nothing_and_hides_nothing() {
    use StyleProblem::{AtRule, Escape, Loading, Url};
    let styles = [
        ("@import 'https://evil.test/x.css';", AtRule),
        ("@IMPORT url(#a)", AtRule),
        ("@charset 'utf-7';", AtRule),
        ("@namespace 'x';", AtRule),
        ("@ import", AtRule),
        ("@/**/import", AtRule),
        ("@\\69mport 'x'", Escape),
        (".a{fill:u\\72l(https://evil.test)}", Escape),
        (".a{fill:url(https://evil.test)}", Url),
        (".a{fill:URL( 'https://evil.test' )}", Url),
        (".a{fill:url(//evil.test)}", Url),
        (".a{fill:url('#a)}", Url),
        (".a{fill:url('#a' , url(//evil.test))}", Url),
        (".a{fill:url(#a", Url),
        (".a{fill:url('#a' x)}", Url),
        ("/* url( */ .a{fill:url(#a)}", Url),
        (".a{fill:url(data:image/svg+xml;base64,iVBORw0KGgoAAAANSUhEUg==)}", Url),
        ("@font-face{font-family:x;src:url(https://evil.test/f.woff)}", Url),
        ("@font-face{font-family:x;src:url(data:font/woff;base64,iVBORw0K)}", Url),
        (".a{background:image-set('https://evil.test/x' 1x)}", Loading),
        (".a{background:-webkit-image-set('https://evil.test/x' 1x)}", Loading),
        (".a{background:image('https://evil.test/x')}", Loading),
        (".a{background:src('https://evil.test/x')}", Loading),
        (".a{width:expression(alert(1))}", Loading),
        (".a{behavior : url(#x)}", Loading),
        (".a{-moz-binding:url(#x)}", Loading),
    ];
    for (style, expected) in styles {
        let expected = SvgProblem::Style(expected);
        assert_eq!(problem(&svg(&format!("<style>{style}</style>"))), expected, "{style}");
        assert_eq!(problem(&svg(&format!("<style><![CDATA[{style}]]></style>"))), expected);
        let attribute = format!("<g style=\"{}\"/>", style.replace('"', "'"));
        assert_eq!(problem(&svg(&attribute)), expected, "{attribute}");
        // Split by what the text of an element does not have.
        if let Some((one, two)) = style.split_at_checked(3) {
            let split = svg(&format!("<style>{one}<!-- x -->{two}</style>"));
            assert_eq!(problem(&split), expected, "{split}");
        }
    }
    for (value, expected) in [
        ("url(https://evil.test)", Url),
        ("url(#a) url(//evil.test)", Url),
        ("u\\72l(#a)", Escape),
        ("image-set(\"x\")", Loading),
    ] {
        for name in ["fill", "filter", "mask", "clip-path", "cursor", "marker-end", "to"] {
            let text = svg(&format!("<animate {name}='{value}'/>"));
            assert_eq!(problem(&text), SvgProblem::Style(expected), "{text}");
        }
    }
    let breakout = svg("<style>&lt;/style>&lt;script></style>");
    assert_eq!(problem(&breakout), SvgProblem::Style(StyleProblem::Markup));
}

#[test]
fn document_types_entities_and_instructions_are_refused() {
    let bomb = "<!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">]>";
    for before in [
        bomb,
        "<!DOCTYPE svg>",
        "<!doctype svg>",
        "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">",
        "<!DOCTYPE svg SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE svg [<!ENTITY % x SYSTEM \"https://evil.test/x.dtd\">%x;]>",
        "<!-- <!DOCTYPE svg> -->",
    ] {
        assert_eq!(
            problem(&format!("{before}\n{}", svg(""))),
            SvgProblem::DocumentType,
            "{before}"
        );
    }
    for entity in ["&nbsp;", "&x;", "&#0;", "&#xFFFFFF;", "&#8;", "&", "&a"] {
        assert_eq!(
            problem(&svg(&format!("<text>{entity}</text>"))),
            SvgProblem::NotXml,
            "{entity}"
        );
    }
    for text in [
        format!("<?xml-stylesheet href=\"https://evil.test/x.css\"?>{}", svg("")),
        format!("{}<?php evil ?>", svg("")),
        svg("<?xml-stylesheet type=\"text/xsl\" href=\"#a\"?>"),
        svg("<g><?a?></g>"),
    ] {
        assert_eq!(problem(&text), SvgProblem::ProcessingInstruction, "{text}");
    }
}

#[test]
fn text_that_is_no_drawing_is_refused() {
    for (text, expected) in [
        ("<svg/>".to_owned(), SvgProblem::Root),
        ("<html xmlns=\"http://www.w3.org/1999/xhtml\"/>".to_owned(), SvgProblem::Root),
        ("<SVG xmlns=\"http://www.w3.org/2000/svg\"/>".to_owned(), SvgProblem::Root),
        ("<g xmlns=\"http://www.w3.org/2000/svg\"/>".to_owned(), SvgProblem::Root),
        (svg("<g>"), SvgProblem::NotXml),
        (svg("<g></a>"), SvgProblem::NotXml),
        (svg("<g a=1/>"), SvgProblem::NotXml),
        (svg("<g a=\"1\" a=\"2\"/>"), SvgProblem::NotXml),
        (svg("<x:g/>"), SvgProblem::NotXml),
        (svg("<g a=\"<\"/>"), SvgProblem::NotXml),
        (svg("<!-- a -- b -->"), SvgProblem::NotXml),
        (format!("{}{}", svg(""), svg("")), SvgProblem::NotXml),
        (format!("{}text", svg("")), SvgProblem::NotXml),
        ("<".to_owned(), SvgProblem::NotXml),
        ("<!-- -->".to_owned(), SvgProblem::NotXml),
        (svg("\u{0}"), SvgProblem::NotXml),
        (svg("<text>\u{1}</text>"), SvgProblem::NotXml),
        (svg("<title><![CDATA[<script>alert(1)</script>]]></title>"), SvgProblem::HiddenMarkup),
        (svg("<!--><script>alert(1)</script>-->"), SvgProblem::HiddenMarkup),
        (svg("<!--->x-->"), SvgProblem::HiddenMarkup),
        (format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{}", svg("")), SvgProblem::NotXml),
        (
            format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{}", svg("")),
            SvgProblem::Encoding,
        ),
        (format!("<?xml version=\"1.1\"?>{}", svg("")), SvgProblem::Encoding),
    ] {
        assert_eq!(problem(&text), expected, "{text}");
    }
    let wide: Vec<u8> = svg("").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [wide.clone(), [&[0xff, 0xfe], &wide[..]].concat(), b"<svg>\xff</svg>".to_vec()] {
        let found = judge(&bytes);
        let expected = LogoProblem::BadSvg { line: 1, problem: SvgProblem::Encoding };
        assert!(matches!(found, Err(LogoProblem::BadSvg { .. })), "{found:?}");
        if bytes != wide {
            assert_eq!(found, Err(expected));
        }
    }
    let at = judge(svg("\n\n<script/>").as_bytes()).unwrap_err();
    let expected = SvgProblem::Element("script".to_owned());
    assert_eq!(at, LogoProblem::BadSvg { line: 3, problem: expected });
}

#[test]
fn a_small_file_cannot_be_a_huge_drawing() {
    let mut bomb = String::from("<g id=\"g0\"><path d=\"M0 0\"/></g>");
    for level in 1..12 {
        let uses = format!("<use href=\"#g{}\"/>", level - 1).repeat(10);
        write!(bomb, "<g id=\"g{level}\">{uses}</g>").unwrap();
    }
    let both = bomb.replace("<use ", "<use xlink:href=\"#none\" ");
    let levels = format!("{}{}", "<g>".repeat(200), "</g>".repeat(200));
    let mut spaces = String::from("<g ");
    for number in 0..100 {
        write!(spaces, "xmlns:n{number}=\"urn:{number}\" ").unwrap();
    }
    spaces.push_str("/>");
    for (inner, of) in [
        (bomb, "repeated parts"),
        (both, "repeated parts"),
        ("<g id=\"a\"><use href=\"#a\"/></g>".to_owned(), "repeated parts"),
        (
            "<g id=\"a\"><use href=\"#b\"/></g><g id=\"b\"><use href=\"#a\"/></g>".to_owned(),
            "repeated parts",
        ),
        ("<g/>".repeat(100_001), "elements"),
        (levels, "levels of elements"),
        (spaces, "namespaces"),
    ] {
        let found = problem(&svg(&inner));
        assert_eq!(found, SvgProblem::TooComplex(of), "{}", &inner[..inner.len().min(80)]);
    }
    let mut attributes = String::from("<g ");
    for number in 0..300 {
        write!(attributes, "a{number}=\"\" ").unwrap();
    }
    attributes.push_str("/>");
    assert_eq!(problem(&svg(&attributes)), SvgProblem::NotXml);
    // A part that is defined twice, or never, is no fault.
    let twice = svg("<g id=\"a\"><g id=\"a\"><path/></g></g><use href=\"#a\"/><use href=\"#no\"/>");
    assert_eq!(judge(twice.as_bytes()), Ok(LogoFormat::Svg));
}

#[test]
fn other_files_are_told_by_their_content() {
    let large = |bytes: usize| svg(&" ".repeat(bytes - svg("").len()));
    assert_eq!(judge(large(MAX_BYTES).as_bytes()), Ok(LogoFormat::Svg));
    assert_eq!(judge(large(MAX_BYTES + 1).as_bytes()), Err(LogoProblem::TooLarge));
    assert_eq!(judge(b""), Err(LogoProblem::Empty));
    for start in
        [&b"\x1f\x8b\x08\0"[..], b"PK\x03\x04", b"\x78\x9c\0", b"BZh9", b"\x28\xb5\x2f\xfd"]
    {
        assert_eq!(judge(start), Err(LogoProblem::Compressed), "{start:?}");
    }
    for file in [
        &b"GIF89a"[..],
        b"\xff\xd8\xff\xe0",
        b"RIFF\0\0\0\0WEBP",
        b"%PDF-1.7",
        b"{\"a\":1}",
        b"hello",
        b" ",
        b"\x89PNG",
    ] {
        assert_eq!(judge(file), Err(LogoProblem::OtherFormat), "{file:?}");
    }
    assert!(matches!(judge(b"<!doctype html><p>"), Err(LogoProblem::BadSvg { .. })));
}
