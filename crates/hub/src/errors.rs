//! The catalogue of what IoT Hub's service API refuses with: name, number and status.
//!
//! Source: the service's list of error codes (troubleshoot-error-codes, 2026) and recorded traffic. Operations choose an
//! entry and add a text; the wire crate gives both the service's shape.

use iolite_kernel::{ErrorCode, ServiceError};

macro_rules! catalogue {
    ($($(#[$doc:meta])* $constant:ident = $number:literal $name:literal;)+) => {
        $($(#[$doc])* pub const $constant: ErrorCode = ErrorCode { status: status_of($number), number: $number, name: $name };)+

        /// Every entry, for documents and tests.
        pub const ALL: &[&ErrorCode] = &[$(&$constant),+];
    };
}

/// A number is its status times a thousand, and a bit.
#[expect(clippy::cast_possible_truncation, reason = "six digits by a thousand are three")]
const fn status_of(number: u32) -> u16 {
    (number / 1000) as u16
}

catalogue! {
    /// The request is of a kind that the operation knows nothing of.
    GENERIC_BAD_REQUEST = 400_000 "GenericBadRequest";
    /// A part of the request is not what the operation takes.
    ARGUMENT_INVALID = 400_004 "ArgumentInvalid";
    /// A part of the request that the operation needs is not there.
    ARGUMENT_NULL = 400_005 "ArgumentNull";
    /// An id breaks the rules for ids, or a body is not JSON.
    IOT_HUB_FORMAT_ERROR = 400_006 "IotHubFormatError";
    /// A job's blob container cannot be used.
    BLOB_CONTAINER_VALIDATION_ERROR = 400_008 "BlobContainerValidationError";
    /// One bulk request names the same identity twice.
    DEVICE_DEFINED_MULTIPLE_TIMES = 400_011 "DeviceDefinedMultipleTimes";
    /// The time for it was over before it was done.
    REQUEST_TIMED_OUT = 400_024 "RequestTimedOut";
    /// The hub has no storage account for uploads.
    DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED = 400_014 "DefaultStorageEndpointNotConfigured";
    /// An upload's correlation id is none that is open.
    INVALID_FILE_UPLOAD_CORRELATION_ID = 400_015 "InvalidFileUploadCorrelationId";
    /// An upload's correlation id has run out.
    EXPIRED_FILE_UPLOAD_CORRELATION_ID = 400_016 "ExpiredFileUploadCorrelationId";
    /// The hub's storage account cannot be used.
    INVALID_STORAGE_ENDPOINT = 400_017 "InvalidStorageEndpoint";
    /// A report on an upload does not say what came of it.
    INVALID_FILE_UPLOAD_COMPLETION_STATUS = 400_019 "InvalidFileUploadCompletionStatus";
    /// The blob of an upload cannot be found.
    INVALID_STORAGE_ENDPOINT_OR_BLOB = 400_020 "InvalidStorageEndpointOrBlob";
    /// A scope names no Edge device of the hub.
    INVALID_DEVICE_SCOPE = 400_028 "InvalidDeviceScope";
    /// An endpoint is to be reached by a means that is not emulated.
    INVALID_ENDPOINT_AUTHENTICATION_TYPE = 400_031 "InvalidEndpointAuthenticationType";
    /// A configuration's target condition cannot be read.
    INVALID_CONFIGURATION_TARGET_CONDITION = 400_401 "InvalidConfigurationTargetCondition";
    /// A configuration's content is of no or of several kinds.
    INVALID_CONFIGURATION_CONTENT = 400_402 "InvalidConfigurationContent";
    /// A configuration's content was to be changed after its creation.
    CANNOT_MODIFY_CONFIGURATION_CONTENT = 400_403 "CannotModifyImmutableConfigurationContent";
    /// A configuration's metric query cannot be read.
    INVALID_CONFIGURATION_METRICS_QUERY = 400_404 "InvalidConfigurationCustomMetricsQuery";
    /// A digital twin's patch is no JSON patch.
    INVALID_DIGITAL_TWIN_JSON_PATCH = 400_505 "InvalidDigitalTwinJsonPatch";
    /// A digital twin's patch holds a value that no digital twin has.
    INVALID_DIGITAL_TWIN_PAYLOAD = 400_506 "InvalidDigitalTwinPayload";
    /// A digital twin's patch asks for what cannot be done.
    INVALID_DIGITAL_TWIN_PATCH = 400_507 "InvalidDigitalTwinPatch";
    /// A digital twin's patch names a place that cannot be written.
    INVALID_DIGITAL_TWIN_PATCH_PATH = 400_508 "InvalidDigitalTwinPatchPath";
    /// There is no such hub.
    IOT_HUB_NOT_FOUND = 401_001 "IotHubNotFound";
    /// The credential does not do.
    IOT_HUB_UNAUTHORIZED_ACCESS = 401_002 "IotHubUnauthorizedAccess";
    /// It is known, and not allowed.
    GENERIC_FORBIDDEN = 403_000 "GenericForbidden";
    /// The day's messages are used up.
    IOT_HUB_QUOTA_EXCEEDED = 403_002 "IotHubQuotaExceeded";
    /// As many jobs of this kind are under way as may be.
    JOB_QUOTA_EXCEEDED = 403_003 "JobQuotaExceeded";
    /// As many messages wait for the device as may.
    DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED = 403_004 "DeviceMaximumQueueDepthExceeded";
    /// The device has as many uploads open as it may.
    DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED = 403_006 "DeviceMaximumActiveFileUploadLimitExceeded";
    /// A message is to expire at a moment that is too far away, or past.
    INVALID_MESSAGE_EXPIRY_TIME = 403_009 "InvalidMessageExpiryTime";
    /// The device may not connect.
    DEVICE_DISABLED = 403_012 "DeviceDisabled";
    /// There is nothing of that name.
    GENERIC_NOT_FOUND = 404_000 "GenericNotFound";
    /// There is no such device.
    DEVICE_NOT_FOUND = 404_001 "DeviceNotFound";
    /// There is no such job.
    JOB_NOT_FOUND = 404_002 "JobNotFound";
    /// There is no such module.
    MODULE_NOT_FOUND = 404_010 "ModuleNotFound";
    /// The device is not connected.
    DEVICE_NOT_ONLINE = 404_103 "DeviceNotOnline";
    /// The device's connection ended while it was asked.
    DEVICE_CONNECTION_CLOSED_REMOTELY = 404_104 "DeviceConnectionClosedRemotely";
    /// There is no such configuration.
    CONFIGURATION_NOT_FOUND = 404_301 "ConfigurationNotFound";
    /// The thing is in a state in which this cannot be done with it.
    OPERATION_NOT_ALLOWED_IN_CURRENT_STATE = 405_102 "OperationNotAllowedInCurrentState";
    /// There is such a device already.
    DEVICE_ALREADY_EXISTS = 409_001 "DeviceAlreadyExists";
    /// There is such a job already.
    JOB_ALREADY_EXISTS = 409_104 "JobAlreadyExists";
    /// The device has such a module already.
    MODULE_ALREADY_EXISTS = 409_301 "ModuleAlreadyExistsOnDevice";
    /// There is such a configuration already.
    CONFIGURATION_ALREADY_EXISTS = 409_401 "ConfigurationAlreadyExists";
    /// The etag that was asked for is not the current one.
    PRECONDITION_FAILED = 412_001 "PreconditionFailed";
    /// A message's lock is gone, or never was.
    DEVICE_MESSAGE_LOCK_LOST = 412_002 "DeviceMessageLockLost";
    /// A payload is larger than is taken.
    MESSAGE_TOO_LARGE = 413_001 "MessageTooLarge";
    /// One bulk request names too many identities.
    TOO_MANY_DEVICES = 413_002 "TooManyDevices";
    /// The device has as many modules as it may.
    TOO_MANY_MODULES = 413_003 "TooManyModulesOnDevice";
    /// The hub has as many configurations as it may.
    CONFIGURATION_COUNT_LIMIT_EXCEEDED = 413_101 "ConfigurationCountLimitExceeded";
    /// The body is of a media type that is not read.
    UNSUPPORTED_MEDIA_TYPE = 415_000 "GenericUnsupportedMediaType";
    /// More is asked of the hub than its tier allows.
    THROTTLING = 429_001 "ThrottlingException";
    /// As many jobs are active as the hub's tier allows.
    TOO_MANY_ACTIVE_JOBS = 429_004 "ThrottlingMaxActiveJobCountExceeded";
    /// Something went wrong inside the hub.
    SERVER_ERROR = 500_001 "ServerError";
    /// A device answered what cannot be passed on.
    GENERIC_BAD_GATEWAY = 502_000 "GenericBadGateway";
    /// The hub cannot do it now.
    SERVICE_UNAVAILABLE = 503_001 "ServiceUnavailable";
    /// A device did not answer in time.
    GATEWAY_TIMEOUT = 504_101 "GatewayTimeout";
}

/// A part of the request is not what the operation takes.
pub(crate) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(&ARGUMENT_INVALID, message)
}

/// There is no device `id`; the text is the bare id, as recorded.
pub(crate) fn device_not_found(id: &str) -> ServiceError {
    ServiceError::new(&DEVICE_NOT_FOUND, id)
}

/// There is no module `module_id` on device `device_id`.
pub(crate) fn module_not_found(device_id: &str, module_id: &str) -> ServiceError {
    ServiceError::new(&MODULE_NOT_FOUND, format!("{device_id}/{module_id}"))
}

/// There is no such job; the text is the recorded one.
pub(crate) fn job_not_found() -> ServiceError {
    ServiceError::new(&JOB_NOT_FOUND, "NotFound")
}

/// An identity's or configuration's etag has moved on; the text is the recorded one.
pub(crate) fn precondition_failed() -> ServiceError {
    ServiceError::new(&PRECONDITION_FAILED, "PreconditionFailed")
}

/// A twin's etag has moved on; the text is the recorded one, of modules' twins too.
pub(crate) fn twin_mismatch(device_id: &str) -> ServiceError {
    ServiceError::new(&PRECONDITION_FAILED, format!("ETag mismatch for device ID '{device_id}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_stand_for_one_entry_each() {
        for (index, code) in ALL.iter().enumerate() {
            assert!(
                ALL[..index].iter().all(|other| other.number != code.number && other.name != code.name),
                "{}",
                code.name
            );
        }
    }

    #[test]
    fn the_status_is_the_number_s_thousands() {
        assert_eq!(DEVICE_NOT_ONLINE.status, 404);
        assert_eq!(PRECONDITION_FAILED.status, 412);
    }
}
