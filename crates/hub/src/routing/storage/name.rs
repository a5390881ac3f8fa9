//! How blobs of a storage endpoint are named.

use iolite_kernel::{Timestamp, iso_seconds};

/// Every placeholder; a format has all of them.
const PLACEHOLDERS: [&str; 7] = ["{iothub}", "{partition}", "{YYYY}", "{MM}", "{DD}", "{HH}", "{mm}"];

/// `{iothub}/{partition}/{YYYY}/{MM}/{DD}/{HH}/{mm}`, or another order and other text between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileNameFormat(String);

impl FileNameFormat {
    /// Reads a format; the default one for `None`. Refused is one that lacks a placeholder, and the first it lacks is told.
    pub(crate) fn read(format: Option<&str>) -> Result<Self, &'static str> {
        let format = format.unwrap_or("{iothub}/{partition}/{YYYY}/{MM}/{DD}/{HH}/{mm}");
        match PLACEHOLDERS.into_iter().find(|placeholder| !format.contains(placeholder)) {
            Some(missing) => Err(missing),
            None => Ok(Self(format.to_owned())),
        }
    }

    /// The name of a blob of `hub`'s `partition` that was begun at `at`.
    pub(crate) fn name(&self, hub: &str, partition: u32, at: Timestamp) -> String {
        // `2026-11-22T12:30:00Z`: the parts stand at fixed places.
        let time = iso_seconds(at);
        let part = |from: usize, to: usize| time.get(from..to).unwrap_or_default();
        self.0
            .replace("{iothub}", hub)
            .replace("{partition}", &format!("{partition:02}"))
            .replace("{YYYY}", part(0, 4))
            .replace("{MM}", part(5, 7))
            .replace("{DD}", part(8, 10))
            .replace("{HH}", part(11, 13))
            .replace("{mm}", part(14, 16))
    }
}

/// `name` with a number before its extension: a second blob of the same minute does not take the place of the first.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
    let slash = if folder.is_empty() { "" } else { "/" };
    match file.rsplit_once('.') {
        Some((stem, extension)) => format!("{folder}{slash}{stem}_{number}.{extension}"),
        None => format!("{name}_{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_any_order() {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let default = FileNameFormat::read(None).unwrap();
        assert_eq!(default.name("hub", 1, at), "hub/01/2026/01/02/03/04");
        let own = FileNameFormat::read(Some("{YYYY}-{MM}-{DD}/{HH}{mm}/{partition}/{iothub}.json")).unwrap();
        assert_eq!(own.name("hub", 12, at), "2026-01-02/0304/12/hub.json");
    }

    #[test]
    fn a_format_without_a_placeholder_is_refused_by_its_name() {
        assert_eq!(FileNameFormat::read(Some("{iothub}/{YYYY}/{MM}/{DD}/{HH}/{mm}")), Err("{partition}"));
    }

    #[test]
    fn a_second_blob_is_numbered_before_its_extension() {
        assert_eq!(numbered("a/b.c/d.json", 2), "a/b.c/d_2.json");
        assert_eq!(numbered("a.b/04", 3), "a.b/04_3");
        assert_eq!(numbered("d.json", 2), "d_2.json");
    }
}
