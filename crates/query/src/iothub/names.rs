//! What a dotted name means over each collection.
//!
//! Called by the dialect. The twin's own properties are found in any letter case and answered in the service's
//! (`SELECT DeviceId, LastActivityTime` answers `deviceId` and `lastActivityTime`, query-twins, 2022); whatever
//! users name themselves, under tags, desired, reported and configurations, is taken as written. A name may begin
//! with its collection, as `devices.jobs.jobId` does (query-jobs, 2022) and as Azure CLI writes
//! `devices.deviceId` over `devices.modules`.

use crate::Path;
use crate::iothub::From;

/// Names of a twin, from the recorded answers of 2020-06 to 2020-09 and the REST definitions of 2021-04-12.
const TWIN: [&[&str]; 26] = [
    &["deviceId"],
    &["moduleId"],
    &["etag"],
    &["deviceEtag"],
    &["status"],
    &["statusReason"],
    &["statusUpdateTime"],
    &["connectionState"],
    &["connectionStateUpdatedTime"],
    &["lastActivityTime"],
    &["cloudToDeviceMessageCount"],
    &["authenticationType"],
    &["x509Thumbprint"],
    &["x509Thumbprint", "primaryThumbprint"],
    &["x509Thumbprint", "secondaryThumbprint"],
    &["modelId"],
    &["version"],
    &["tags"],
    &["properties"],
    &["properties", "desired"],
    &["properties", "reported"],
    &["configurations"],
    &["capabilities"],
    &["capabilities", "iotEdge"],
    &["deviceScope"],
    &["parentScopes"],
];

/// Names of a job on a device (query-jobs, 2022).
const JOB: [&[&str]; 11] = [
    &["deviceId"],
    &["moduleId"],
    &["jobId"],
    &["jobType"],
    &["status"],
    &["startTimeUtc"],
    &["endTimeUtc"],
    &["createdDateTimeUtc"],
    &["lastUpdatedDateTimeUtc"],
    &["outcome"],
    &["error"],
];

/// The property these names mean over `from`, or why they mean none and what to write instead.
pub(super) fn resolve(from: From, names: Vec<String>) -> Result<Path, String> {
    let mut names = without_collection(from, names)?;
    let known: &[&[&str]] = match from {
        From::Devices | From::Modules => &TWIN,
        From::Jobs => &JOB,
    };
    // The .NET SDK's twin sample asks STARTSWITH(id, …) of device twins.
    if from == From::Devices && names.len() == 1 && names[0].eq_ignore_ascii_case("id") {
        names = vec!["deviceId".to_owned()];
    }
    // query-jobs (2022) shows createdDateTimeUtc in a job and asks for createdTimeUtc in a condition.
    if from == From::Jobs && names.len() == 1 && names[0].eq_ignore_ascii_case("createdTimeUtc") {
        names = vec!["createdDateTimeUtc".to_owned()];
    }
    for depth in 1..=2.min(names.len()) {
        let asked = &names[..depth];
        let same = |known: &&&[&str]| {
            known.len() == depth && known.iter().zip(asked).all(|(known, asked)| known.eq_ignore_ascii_case(asked))
        };
        if let Some(canonical) = known.iter().find(same) {
            canonical[depth - 1].clone_into(&mut names[depth - 1]);
        }
    }
    Path::new(names).ok_or_else(|| "A collection is not a value. Name a property of it, as in deviceId.".to_owned())
}

/// The names after the collection's own, if they begin with it.
fn without_collection(from: From, mut names: Vec<String>) -> Result<Vec<String>, String> {
    let is = |index: usize, word: &str| names.get(index).is_some_and(|name| name.eq_ignore_ascii_case(word));
    if !is(0, "devices") {
        return Ok(names);
    }
    let (modules, jobs) = (is(1, "modules"), is(1, "jobs"));
    let length = match from {
        From::Devices if modules || jobs => {
            return Err("A query reads one collection, without joins. Ask FROM devices.modules or FROM devices.jobs \
                        for those."
                .to_owned());
        }
        From::Modules if jobs => {
            return Err("A query reads one collection, without joins. Ask FROM devices.jobs for jobs.".to_owned());
        }
        From::Jobs if !jobs => {
            return Err("A job query cannot refer to the twin as well. Name a property of the job, as in \
                        devices.jobs.deviceId."
                .to_owned());
        }
        From::Devices => 1,
        From::Modules => 1 + usize::from(modules),
        From::Jobs => 2,
    };
    names.drain(..length);
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(from: From, name: &str) -> String {
        resolve(from, name.split('.').map(str::to_owned).collect())
            .map_or_else(|refusal| refusal, |path| path.to_string())
    }

    #[test]
    fn the_twins_own_names_are_found_in_any_case() {
        assert_eq!(resolved(From::Devices, "DeviceId"), "deviceId");
        assert_eq!(resolved(From::Devices, "PROPERTIES.Reported.Status"), "properties.reported.Status");
        assert_eq!(resolved(From::Modules, "capabilities.IOTEDGE"), "capabilities.iotEdge");
        assert_eq!(resolved(From::Jobs, "JobID"), "jobId");
    }

    #[test]
    fn names_of_users_are_taken_as_written() {
        assert_eq!(resolved(From::Devices, "tags.DeviceId.Status"), "tags.DeviceId.Status");
        assert_eq!(resolved(From::Devices, "property.Reported"), "property.Reported");
        assert_eq!(resolved(From::Devices, "tags.id"), "tags.id");
    }

    #[test]
    fn a_name_may_begin_with_its_collection() {
        assert_eq!(resolved(From::Devices, "devices.deviceId"), "deviceId");
        assert_eq!(resolved(From::Modules, "devices.deviceId"), "deviceId");
        assert_eq!(resolved(From::Modules, "devices.modules.moduleId"), "moduleId");
        assert_eq!(resolved(From::Jobs, "devices.jobs.jobId"), "jobId");
    }

    #[test]
    fn another_collection_is_refused() {
        assert!(resolved(From::Devices, "devices.jobs.jobId").contains("without joins"));
        assert!(resolved(From::Modules, "devices.jobs.jobId").contains("without joins"));
        assert!(resolved(From::Jobs, "devices.tags.x").contains("twin"));
        assert!(resolved(From::Devices, "devices").contains("Name a property"));
    }

    #[test]
    fn id_means_the_device_id_of_device_twins_only() {
        assert_eq!(resolved(From::Devices, "id"), "deviceId");
        assert_eq!(resolved(From::Modules, "id"), "id");
    }

    #[test]
    fn the_time_of_a_job_s_making_is_found_under_both_documented_names() {
        assert_eq!(resolved(From::Jobs, "devices.jobs.createdTimeUtc"), "createdDateTimeUtc");
        assert_eq!(resolved(From::Jobs, "createdDateTimeUtc"), "createdDateTimeUtc");
    }
}
