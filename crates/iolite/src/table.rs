//! Rows in columns, each as wide as its widest cell.

/// Lays out a heading and rows; columns are parted by two spaces, and no line ends in spaces.
pub(crate) fn aligned(heading: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let heading: Vec<String> = heading.iter().map(|&title| title.to_owned()).collect();
    let columns = rows.iter().map(Vec::len).chain([heading.len()]).max().unwrap_or_default();
    let all = || std::iter::once(&heading).chain(rows);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    all().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row.iter().zip(widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
    cells.join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_cells_hold() {
        let rows = vec![vec!["IoT Hub Data Reader".into(), "2".into()], vec!["Överblick".into(), "11".into()]];
        let lines = aligned(&["ROLE", "ACTIONS"], &rows);
        assert_eq!(lines, ["ROLE                 ACTIONS", "IoT Hub Data Reader  2", "Överblick            11"]);
    }
}
