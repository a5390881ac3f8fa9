//! The service itself: its tables and its way to the hubs.
//!
//! Made once by the wiring; every operation runs on it. It knows no protocol.

use std::fmt;
use std::sync::Arc;

use iolite_kernel::{Ground, ServiceError};
use iolite_resources::{Estate, ProvisioningService, ResourceContents};
use iolite_store::{Store, Table, Transaction};

use crate::enrollment::{EnrollmentGroup, IndividualEnrollment};
use crate::registration::{Registration, RegistrationOperation};
use crate::{HubGateway, errors};

/// Tells the host name that a device can dial for the hub with this host name.
pub type Dial = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// All provisioning services of a world.
pub struct Dps {
    pub(crate) estate: Estate,
    pub(crate) ground: Ground,
    pub(crate) gateway: Arc<dyn HubGateway>,
    pub(crate) dial: Dial,
    pub(crate) enrollments: Table<IndividualEnrollment>,
    pub(crate) groups: Table<EnrollmentGroup>,
    pub(crate) registrations: Table<Registration>,
    pub(crate) operations: Table<RegistrationOperation>,
}

impl Dps {
    /// The provisioning services of `estate`. Devices are made in the linked hubs through `gateway`; `dial` gives the
    /// host name that a device is told to go to.
    #[must_use]
    pub fn new(estate: Estate, ground: Ground, gateway: Arc<dyn HubGateway>, dial: Dial) -> Self {
        Self {
            enrollments: estate.store.table(),
            groups: estate.store.table(),
            registrations: estate.store.table(),
            operations: estate.store.table(),
            estate,
            ground,
            gateway,
            dial,
        }
    }

    /// The registration ids of the individual enrolments and the ids of the groups of the provisioning service
    /// `dps_key` (lower case): who is hit when a linked hub stops taking SAS.
    #[must_use]
    pub fn enrolments_of(&self, dps_key: &str) -> (Vec<String>, Vec<String>) {
        let prefix = format!("{dps_key}/");
        let individual = self.enrollments.all(&prefix).into_iter().map(|(_, found)| found.registration_id.clone());
        let groups = self.groups.all(&prefix).into_iter().map(|(_, found)| found.enrollment_group_id.clone());
        (individual.collect(), groups.collect())
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.estate.store
    }

    /// The resource's own record.
    pub(crate) fn resource(&self, key: &str) -> Option<Arc<ProvisioningService>> {
        self.estate.provisioning_service(key).map(|found| found.value)
    }

    /// Refuses a change of what the provisioning service `key` holds once that is deleted: what a request that was let in
    /// before wrote then would stay for ever. To be asked inside the change itself, by every one that makes a record.
    pub(crate) fn require(&self, transaction: &Transaction<'_>, key: &str) -> Result<(), ServiceError> {
        match transaction.get(&self.estate.provisioning_services, key) {
            Some(_) => Ok(()),
            None => {
                Err(ServiceError::new(&errors::SERVICE_NOT_FOUND, "The provisioning service does not exist any more."))
            }
        }
    }

    /// Forgets a registration and its operations.
    pub(crate) fn forget_registration(&self, transaction: &mut Transaction<'_>, key: &str) {
        transaction.delete(&self.registrations, key);
        for (operation, _) in transaction.all(&self.operations, &format!("{key}/")) {
            transaction.delete(&self.operations, &operation);
        }
    }
}

impl ResourceContents for Dps {
    fn resource_type(&self) -> &'static str {
        ProvisioningService::TYPE
    }

    fn remove(&self, transaction: &mut Transaction<'_>, key: &str) {
        let prefix = format!("{key}/");
        for (key, _) in transaction.all(&self.enrollments, &prefix) {
            transaction.delete(&self.enrollments, &key);
        }
        for (key, _) in transaction.all(&self.groups, &prefix) {
            transaction.delete(&self.groups, &key);
        }
        for (key, _) in transaction.all(&self.registrations, &prefix) {
            transaction.delete(&self.registrations, &key);
        }
        for (key, _) in transaction.all(&self.operations, &prefix) {
            transaction.delete(&self.operations, &key);
        }
    }
}

impl fmt::Debug for Dps {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Dps").field("enrollments", &self.enrollments).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::register;
    use crate::testing::{SERVICE, World, json};

    /// The permits of these tests are made beforehand, so each call is of a request that was let in before.
    #[tokio::test]
    async fn a_request_that_comes_too_late_writes_nothing_of_a_deleted_service() {
        let world = World::new();
        world.enroll("dev-1").await;
        let deleted = world.dps.store().transact(|transaction| {
            world.dps.remove(transaction, SERVICE);
            transaction.delete(&world.dps.estate.provisioning_services, SERVICE);
            Ok::<_, iolite_store::StoreError>(())
        });
        deleted.await.unwrap();
        let body = json!({"registrationId": "dev-2", "attestation": {"type": "symmetricKey"}});
        let put = world.run(&crate::enrollments::put::OPERATION, crate::enrollments::put::run, "id=dev-2", body).await;
        assert_eq!(put.unwrap_err().code, &errors::SERVICE_NOT_FOUND);
        let body = json!({"enrollmentGroupId": "fleet", "attestation": {"type": "symmetricKey"}});
        let group = &crate::enrollment_groups::put::OPERATION;
        let put = world.run(group, crate::enrollment_groups::put::run, "id=fleet", body).await;
        assert_eq!(put.unwrap_err().code, &errors::SERVICE_NOT_FOUND);
        let counts = [world.dps.enrollments.count(""), world.dps.groups.count(""), world.dps.registrations.count("")];
        assert_eq!(counts, [0; 3]);
    }

    #[tokio::test]
    async fn a_deleted_service_takes_its_records_along_and_no_others() {
        let world = World::new();
        world.enroll("dev-1").await;
        world.group("fleet").await;
        world.device(&register::OPERATION, register::run, "dev-1", "", json!({})).await;
        let (individual, groups) = world.dps.enrolments_of(SERVICE);
        assert_eq!((individual, groups), (vec!["dev-1".to_owned()], vec!["fleet".to_owned()]));
        for (key, left) in [("contoso", 1), (SERVICE, 0)] {
            let store = world.dps.store();
            store
                .transact(|transaction| {
                    world.dps.remove(transaction, key);
                    Ok::<_, iolite_store::StoreError>(())
                })
                .await
                .unwrap();
            let counts = [
                world.dps.enrollments.count(""),
                world.dps.groups.count(""),
                world.dps.registrations.count(""),
                world.dps.operations.count(""),
            ];
            assert_eq!(counts, [left; 4], "after removing {key}");
        }
    }
}
