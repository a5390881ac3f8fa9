//! The catalogue of refusals: Resource Manager's own, which have a name, and those of the IoT Hub and DPS providers,
//! which have a number.
//!
//! The face gives those with a number the providers' bare body, and all others the standard `error` envelope. Names and
//! numbers are the services'; the sentences that go with them are ours.

use iolite_kernel::ErrorCode;

const fn standard(status: u16, name: &'static str) -> ErrorCode {
    ErrorCode { status, number: 0, name }
}

const fn devices(status: u16, number: u32, name: &'static str) -> ErrorCode {
    ErrorCode { status, number, name }
}

/// The body is not JSON, not an object, or has a member of the wrong type.
pub const INVALID_REQUEST_CONTENT: ErrorCode = standard(400, "InvalidRequestContent");
/// The body is not announced as JSON.
pub const UNSUPPORTED_MEDIA_TYPE: ErrorCode = standard(415, "UnsupportedMediaType");
/// A new resource has no location.
pub const LOCATION_REQUIRED: ErrorCode = standard(400, "LocationRequired");
/// A new resource's location is none, or has no such resources.
pub const LOCATION_NOT_AVAILABLE_FOR_TYPE: ErrorCode = standard(400, "LocationNotAvailableForResourceType");
/// A new resource group's location is none.
pub const LOCATION_NOT_AVAILABLE_FOR_GROUP: ErrorCode = standard(400, "LocationNotAvailableForResourceGroup");
/// A resource that is there is put to another location.
pub const INVALID_RESOURCE_LOCATION: ErrorCode = standard(409, "InvalidResourceLocation");
/// The resource is not there.
pub const RESOURCE_NOT_FOUND: ErrorCode = standard(404, "ResourceNotFound");
/// The resource group is not there.
pub const RESOURCE_GROUP_NOT_FOUND: ErrorCode = standard(404, "ResourceGroupNotFound");
/// The subscription is not there.
pub const SUBSCRIPTION_NOT_FOUND: ErrorCode = standard(404, "SubscriptionNotFound");
/// The scope is not one.
pub const INVALID_SCOPE: ErrorCode = standard(400, "InvalidScope");
/// The scope is one, but nothing is there.
pub const SCOPE_NOT_FOUND: ErrorCode = standard(404, "ResourceNotFound");
/// No such resource provider.
pub const INVALID_RESOURCE_NAMESPACE: ErrorCode = standard(404, "InvalidResourceNamespace");
/// A resource's name breaks the rules for its type.
pub const INVALID_RESOURCE_NAME: ErrorCode = standard(400, "InvalidResourceName");
/// A resource group's name breaks the rules.
pub const INVALID_RESOURCE_GROUP: ErrorCode = standard(400, "InvalidResourceGroup");
/// The location of a resource group cannot be changed.
pub const INVALID_RESOURCE_GROUP_LOCATION: ErrorCode = standard(409, "InvalidResourceGroupLocation");
/// A precondition did not hold.
pub const PRECONDITION_FAILED: ErrorCode = standard(412, "PreconditionFailed");
/// A precondition cannot be read.
pub const INVALID_PRECONDITION: ErrorCode = standard(400, "InvalidRequestHeader");
/// An identity block asks for what cannot be.
pub const FAILED_IDENTITY_OPERATION: ErrorCode = standard(400, "FailedIdentityOperation");
/// The name is taken by a resource elsewhere.
pub const RESOURCE_NAME_TAKEN: ErrorCode = standard(409, "NameUnavailable");
/// The `$filter` is not one that the listing takes.
pub const UNSUPPORTED_FILTER: ErrorCode = standard(400, "UnsupportedQuery");
/// A value is not allowed.
pub const BAD_REQUEST: ErrorCode = standard(400, "BadRequest");
/// A webhook has not agreed to receive events.
pub const URL_VALIDATION: ErrorCode = standard(400, "Url validation");
/// Something is known and not emulated.
pub const NOT_SUPPORTED: ErrorCode = standard(501, "NotSupported");
/// The caller may do this here, but not at another scope that the request reaches.
pub const LINKED_AUTHORIZATION_FAILED: ErrorCode = standard(403, "LinkedAuthorizationFailed");

/// The role assignment is not there.
pub const ROLE_ASSIGNMENT_NOT_FOUND: ErrorCode = standard(404, "RoleAssignmentNotFound");
/// The role assignment's name is no GUID.
pub const INVALID_ROLE_ASSIGNMENT_ID: ErrorCode = standard(400, "InvalidRoleAssignmentId");
/// The principal has the role at the scope already.
pub const ROLE_ASSIGNMENT_EXISTS: ErrorCode = standard(409, "RoleAssignmentExists");
/// A role assignment's role, principal and scope stay what they are.
pub const ROLE_ASSIGNMENT_UPDATE_NOT_PERMITTED: ErrorCode = standard(400, "RoleAssignmentUpdateNotPermitted");
/// The role cannot be assigned there.
pub const ROLE_NOT_ASSIGNABLE_AT_SCOPE: ErrorCode = standard(400, "RoleAssignmentScopeNotAssignableToRoleDefinition");
/// The role is not there.
pub const ROLE_DEFINITION_DOES_NOT_EXIST: ErrorCode = standard(404, "RoleDefinitionDoesNotExist");
/// The role's name is no GUID.
pub const INVALID_ROLE_DEFINITION_ID: ErrorCode = standard(400, "InvalidRoleDefinitionId");
/// The role is built in.
pub const BUILT_IN_ROLE_IS_FIXED: ErrorCode = standard(403, "RoleDefinitionUpdateNotPermitted");
/// Another role has the name.
pub const ROLE_DEFINITION_NAME_TAKEN: ErrorCode = standard(409, "RoleDefinitionWithSameNameExists");
/// As many custom roles are there as a tenant has.
pub const ROLE_DEFINITION_LIMIT_EXCEEDED: ErrorCode = standard(400, "RoleDefinitionLimitExceeded");
/// The role is still assigned.
pub const ROLE_DEFINITION_HAS_ASSIGNMENTS: ErrorCode = standard(409, "RoleDefinitionHasAssignments");
/// An action of a role is no action.
pub const INVALID_ACTION: ErrorCode = standard(400, "InvalidActionOrNotAction");
/// The principal is not in the directory.
pub const PRINCIPAL_NOT_FOUND: ErrorCode = standard(400, "PrincipalNotFound");
/// The principal is of another kind than was said.
pub const UNMATCHED_PRINCIPAL_TYPE: ErrorCode = standard(400, "UnmatchedPrincipalType");
/// The deny assignment is not there.
pub const DENY_ASSIGNMENT_NOT_FOUND: ErrorCode = standard(404, "DenyAssignmentNotFound");

/// Something in the resource's description is not valid.
pub const ARGUMENT_INVALID: ErrorCode = devices(400, 400_004, "ArgumentInvalid");
/// Something in the resource's description is missing.
pub const ARGUMENT_NULL: ErrorCode = devices(400, 400_005, "ArgumentNull");
/// The number of partitions is out of range.
pub const PARTITION_COUNT_OUT_OF_RANGE: ErrorCode = devices(400, 400_016, "PartitionCountOutOfRange");
/// A route cannot be tested with this.
pub const INVALID_ROUTE_TEST_INPUT: ErrorCode = devices(400, 400_100, "InvalidRouteTestInput");
/// An enrichment is for an endpoint that the hub does not have.
pub const ENRICHMENT_ENDPOINT_NOT_FOUND: ErrorCode = devices(400, 400_131, "EnrichmentEndpointNotFound");
/// A verification certificate does not prove possession of the authority's private key.
pub const PROOF_OF_POSSESSION_FAILED: ErrorCode = devices(400, 400_053, "ProofOfPossessionFailed");
/// The resource has as many certificates as it may.
pub const CERTIFICATE_LIMIT_REACHED: ErrorCode = devices(400, 400_004, "CertificateLimitReached");
/// The certificate is not there.
pub const CERTIFICATE_NOT_FOUND: ErrorCode = devices(404, 404_008, "CertificateNotFound");
/// The TLS version is none that hubs know.
pub const INVALID_MIN_TLS_VERSION: ErrorCode = devices(400, 400_089, "InvalidMinTlsVersion");
/// The policy, consumer group or endpoint is not there.
pub const DEVICES_NOT_FOUND: ErrorCode = devices(404, 404_000, "GenericNotFound");
/// The name of a hub is taken.
pub const HUB_NAME_NOT_AVAILABLE: ErrorCode = devices(409, 409_004, "IotHubNameNotAvailable");
/// The name of a provisioning service is taken.
pub const PROVISIONING_SERVICE_NAME_NOT_AVAILABLE: ErrorCode =
    devices(409, 409_004, "ProvisioningServiceNameNotAvailable");
/// The resource has changed since its etag was read.
pub const DEVICES_PRECONDITION_FAILED: ErrorCode = devices(412, 412_002, "PreconditionFailed");
