//! The api-versions that IoT Hub's service API answers to.
//!
//! Read by every operation of the crate. The list holds the versions that specifications, SDKs and recorded traffic name;
//! a version outside it is refused by the wire crate.

use iolite_kernel::ApiVersions;

/// The versions known, the oldest first.
const KNOWN: &[&str] = &[
    "2016-02-03",
    "2016-11-14",
    "2017-06-30",
    "2017-11-08-preview",
    "2018-04-01",
    "2018-06-30",
    "2018-08-30-preview",
    "2019-03-30",
    "2019-03-31",
    "2019-06-30",
    "2019-07-01-preview",
    "2019-10-01",
    "2020-03-01",
    "2020-03-13",
    "2020-05-31-preview",
    "2020-06-30-preview",
    "2020-09-30",
    "2021-04-12",
    "2021-06-30-preview",
    "2024-03-31",
];

/// Every version known. The shapes differ in one place only: before 2016-11-14 a device looked otherwise.
pub(crate) const ALL: ApiVersions = ApiVersions::Listed(KNOWN);

/// Those that know feedback over HTTPS and digital twins, from 2020-03-01 on.
pub(crate) const WITH_TWINS_AND_FEEDBACK: ApiVersions = ApiVersions::Listed(KNOWN.split_at(12).1);

/// Those that know commands of digital twins, from 2020-05-31-preview on.
pub(crate) const WITH_COMMANDS: ApiVersions = ApiVersions::Listed(KNOWN.split_at(14).1);

/// The version whose devices have no `authentication.type`, no capabilities, and properties that later went.
pub(crate) const FIRST: &str = "2016-02-03";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_operations_begin_at_the_version_that_brought_them() {
        let first = |versions| match versions {
            ApiVersions::Listed([first, ..]) => *first,
            _ => "",
        };
        assert_eq!(first(ALL), FIRST);
        assert_eq!(first(WITH_TWINS_AND_FEEDBACK), "2020-03-01");
        assert_eq!(first(WITH_COMMANDS), "2020-05-31-preview");
    }
}
