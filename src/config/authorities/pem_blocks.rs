//! The blocks of a file in PEM (RFC 7468), each with its line. Text between them is a comment, as
//! bundles have it.

/// One block, from its first line to its last.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct PemBlock<'a> {
    /// The line in which it begins.
    pub(in crate::config) line: usize,
    /// The words between `-----BEGIN ` and `-----`.
    pub(in crate::config) label: &'a str,
    /// The whole block.
    pub(in crate::config) text: &'a str,
}

/// The blocks of a text; or the line of the first that has no end or no beginning, and the cause.
pub(in crate::config) fn blocks(text: &str) -> Result<Vec<PemBlock<'_>>, (usize, String)> {
    let mut found = Vec::new();
    // The line, the label and the offset of the block that has begun.
    let mut open: Option<(usize, &str, usize)> = None;
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index + 1;
        let (start, end) = (offset, offset + line.len());
        offset = end;
        let line = line.trim();
        match (boundary(line, "-----BEGIN "), boundary(line, "-----END "), open) {
            (Some(label), _, None) => open = Some((number, label, start)),
            (None, Some(label), Some((line, wanted, start))) if label == wanted => {
                let text = text.get(start..end).unwrap_or_default();
                found.push(PemBlock { line, label, text });
                open = None;
            }
            (None, Some(_), None) => {
                let cause = "an end without a beginning; copy the file again, with the line \
                             -----BEGIN CERTIFICATE-----";
                return Err((number, cause.to_owned()));
            }
            (Some(_), _, Some((begun, ..))) | (None, Some(_), Some((begun, ..))) => {
                return Err((begun, endless()));
            }
            (None, None, _) => {}
        }
    }
    match open {
        None => Ok(found),
        Some((begun, ..)) => Err((begun, endless())),
    }
}

fn endless() -> String {
    "a block begins here and has no end; the file is cut short: copy it again".to_owned()
}

fn boundary<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.strip_prefix(mark)?.strip_suffix("-----")
}
