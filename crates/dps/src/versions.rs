//! The api-versions that the operations answer to.
//!
//! 2019-05-01 is a design that was never released and shares no path with the others: it is no version here. The newest
//! two add credential policies and certificate signing requests, which are refused by name where they are used.

use iolite_kernel::ApiVersions;

/// The service API.
pub(crate) const SERVICE: ApiVersions = ApiVersions::Listed(&[
    "2018-04-01",
    "2018-09-01-preview",
    "2018-11-01",
    "2019-03-31",
    "2021-06-01",
    "2021-10-01",
    "2025-07-01-preview",
    "2026-11-01",
]);

/// Attestation details came with 2018-09-01-preview (azure-iothub-provisioningserviceclient).
pub(crate) const ATTESTATION_DETAILS: ApiVersions = ApiVersions::Listed(&[
    "2018-09-01-preview",
    "2018-11-01",
    "2019-03-31",
    "2021-06-01",
    "2021-10-01",
    "2025-07-01-preview",
    "2026-11-01",
]);

/// Bulk operations on groups came with 2021-10-01.
pub(crate) const GROUP_BULK: ApiVersions = ApiVersions::Listed(&["2021-10-01", "2025-07-01-preview", "2026-11-01"]);

/// The device API.
pub(crate) const DEVICE: ApiVersions = ApiVersions::Listed(&[
    "2018-04-01",
    "2018-09-01-preview",
    "2018-11-01",
    "2019-01-15",
    "2019-03-31",
    "2021-06-01",
    "2021-10-01",
    "2025-07-01-preview",
    "2026-11-01",
]);

/// The last version whose enrolments without a reprovision policy keep a device on its first hub.
pub(crate) const BEFORE_REPROVISIONING: &str = "2018-04-01";
