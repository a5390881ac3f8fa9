//! The Device Provisioning Service: enrolments, attestation, registration and the linked hubs.
