//! The order of a scrape: metrics by name, series by labels, so that two scrapes can be compared
//! line by line.
//!
//! In: the text of the library, whose order is that of its hash tables. Out: the same lines, sorted.
//! The buckets, the sum and the count of one histogram stay together, in their order.

/// The text in order.
pub(super) fn sorted(text: &str) -> String {
    let mut families: Vec<&str> =
        text.split("\n\n").map(str::trim_end).filter(|family| !family.is_empty()).collect();
    families.sort_unstable_by_key(|family| name(family));
    let mut sorted = String::with_capacity(text.len());
    for family in families {
        let (about, samples): (Vec<&str>, Vec<&str>) =
            family.lines().partition(|line| line.starts_with('#'));
        let is_histogram = about.iter().any(|line| line.ends_with(" histogram"));
        about.into_iter().for_each(|line| push(&mut sorted, line));
        // Each group begins with the labels that tell it from the others.
        let mut groups: Vec<&[&str]> = if is_histogram {
            samples.split_inclusive(|line| is_count(line)).collect()
        } else {
            samples.chunks(1).collect()
        };
        groups.sort_unstable();
        groups.into_iter().flatten().for_each(|line| push(&mut sorted, line));
        sorted.push('\n');
    }
    sorted
}

/// The name of the metric, which stands in the first line: `# HELP name ...`, or `# TYPE name ...`.
fn name(family: &str) -> &str {
    family.split_ascii_whitespace().nth(2).unwrap_or_default()
}

/// The last line of one histogram.
fn is_count(line: &str) -> bool {
    line.split(['{', ' ']).next().is_some_and(|name| name.ends_with("_count"))
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[test]
    fn metrics_and_series_are_in_order_and_a_histogram_stays_together() {
        let text = "# HELP b_count Not a histogram.\n# TYPE b_count gauge\nb_count{x=\"2\"} 1\n\
                    b_count{x=\"10\"} 9\n\n\
                    # TYPE c histogram\n\
                    c_bucket{x=\"b\",le=\"0.5\"} 1\nc_bucket{x=\"b\",le=\"+Inf\"} 2\nc_sum{x=\"b\"} 3\nc_count{x=\"b\"} 2\n\
                    c_bucket{x=\"a\",le=\"0.5\"} 7\nc_bucket{x=\"a\",le=\"+Inf\"} 7\nc_sum{x=\"a\"} 1\nc_count{x=\"a\"} 7\n\n\
                    # TYPE a_total counter\na_total 4\n\n";
        let expected = "# TYPE a_total counter\na_total 4\n\n\
                        # HELP b_count Not a histogram.\n# TYPE b_count gauge\nb_count{x=\"10\"} 9\n\
                        b_count{x=\"2\"} 1\n\n\
                        # TYPE c histogram\n\
                        c_bucket{x=\"a\",le=\"0.5\"} 7\nc_bucket{x=\"a\",le=\"+Inf\"} 7\nc_sum{x=\"a\"} 1\nc_count{x=\"a\"} 7\n\
                        c_bucket{x=\"b\",le=\"0.5\"} 1\nc_bucket{x=\"b\",le=\"+Inf\"} 2\nc_sum{x=\"b\"} 3\nc_count{x=\"b\"} 2\n\n";
        assert_eq!(sorted(text), expected);
        assert_eq!(sorted(expected), expected);
    }
}
