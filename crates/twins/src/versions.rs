//! The api-versions of the data plane; read by every operation's constant.

use iolite_kernel::ApiVersions;

/// Every published api-version: what models, twins and the rest of the graph answer to.
pub(crate) const ALL: ApiVersions = ApiVersions::Listed(&[
    "2020-10-31",
    "2021-06-30-preview",
    "2022-05-31",
    "2023-02-27-preview",
    "2023-06-30",
    "2023-10-31",
]);

/// The api-versions with import jobs.
pub(crate) const IMPORT_JOBS: ApiVersions = ApiVersions::Listed(&["2023-02-27-preview", "2023-06-30", "2023-10-31"]);

/// The api-versions with deletion jobs.
pub(crate) const DELETE_JOBS: ApiVersions = ApiVersions::Listed(&["2023-10-31"]);

/// Whether `api_version` shows `$lastUpdateTime` and `sourceTime` in a twin's metadata. Recorded: bodies of 2020-10-31
/// have neither, bodies of 2022-05-31 do; of the preview between them there is no recording.
pub(crate) fn shows_update_times(api_version: &str) -> bool {
    api_version >= "2022-05-31"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_times_are_shown_from_2022_05_31_on() {
        assert!(!shows_update_times("2020-10-31"));
        assert!(!shows_update_times("2021-06-30-preview"));
        assert!(shows_update_times("2022-05-31"));
        assert!(shows_update_times("2023-10-31"));
    }
}
