//! The world an emulator starts with: read from TOML, checked, and seeded into the store.
//!
//! Called by the emulator at start and by `POST /reset`. The built-in world is a file of the same form.

mod check;
mod file;
mod keys;
mod public_keys;
mod scope;
mod seed;
mod seed_people;
mod start;

use std::path::Path;

pub use check::WorldError;
pub use file::WorldFile;
pub(crate) use scope::resolve_running;
pub(crate) use seed::{Seeder, WorldMark};
pub(crate) use start::settle;

/// The text of the built-in world.
const CONTOSO: &str = include_str!("../../worlds/contoso.toml");

/// Reads the world file at `path`, or the built-in world.
pub fn read(path: Option<&Path>) -> Result<WorldFile, WorldError> {
    let Some(path) = path else { return parse(CONTOSO, "the built-in world") };
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| WorldError {
        place: place.clone(),
        problem: format!("cannot be read: {error}"),
        remedy: "give the path of a TOML file; `iolite start` without --world uses the built-in world".to_owned(),
    })?;
    parse(&text, &place)
}

/// Reads and checks a world's text; `place` names it in errors.
pub fn parse(text: &str, place: &str) -> Result<WorldFile, WorldError> {
    let file: WorldFile = toml::from_str(text).map_err(|error| WorldError::syntax(place, text, &error))?;
    check::check(&file, place)?;
    Ok(file)
}

/// The JSON Schema of the world file, for editors.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(WorldFile).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_world_is_sound() {
        let world = parse(CONTOSO, "contoso").unwrap();
        assert_eq!(world.name, "contoso");
        assert_eq!(world.principals.len(), 9);
    }

    #[test]
    fn a_misspelt_field_is_named_with_its_line() {
        let error = parse("name = \"x\"\n[tenant]\nid = \"a\"\ndomane = \"b\"\n", "w.toml").unwrap_err();
        assert!(error.place.starts_with("w.toml, line 4"), "{error}");
        assert!(error.problem.contains("domane"), "{error}");
    }

    #[test]
    fn a_link_to_a_hub_that_is_not_there_is_refused_with_a_remedy() {
        let text = "name='x'\n[tenant]\nid='c0ffee00-0000-4000-8000-000000000001'\ndomain='x.example'\n[[subscriptions]]\nid='c0ffee00-0000-4000-8000-000000000002'\nname='s'\n[[resource_groups]]\nname='g'\n[[provisioning_services]]\nname='dps-one'\nresource_group='g'\nlinks=[{hub='nope',by='connection-string'}]\n";
        let error = parse(text, "w.toml").unwrap_err();
        assert!(error.place.contains("provisioning_services[0].links[0].hub"), "{error}");
        assert!(error.to_string().contains("nope"), "{error}");
    }

    /// A world of one hub with these members.
    fn with_hub(members: &str) -> Result<WorldFile, WorldError> {
        let text = format!(
            "name='x'\n[tenant]\nid='c0ffee00-0000-4000-8000-000000000001'\ndomain='x.example'\n[[subscriptions]]\nid='c0ffee00-0000-4000-8000-000000000002'\nname='s'\n[[resource_groups]]\nname='g'\n[[iot_hubs]]\nname='hub-one'\nresource_group='g'\n{members}"
        );
        parse(&text, "w.toml")
    }

    #[test]
    fn a_hub_may_have_storage_and_authorities_and_wrong_ones_are_named() {
        let storage = |connection: &str, container: &str| {
            with_hub(&format!("storage={{connection_string='{connection}',container='{container}'}}"))
        };
        let hub = &storage("UseDevelopmentStorage=true", "uploads").unwrap().iot_hubs[0];
        assert_eq!(hub.storage.as_ref().unwrap().sas_ttl, "PT1H");
        let error = storage("AccountName=a", "uploads").unwrap_err();
        assert!(error.place.contains("iot_hubs[0].storage.connection_string"), "{error}");
        assert!(storage("UseDevelopmentStorage=true", "Up").unwrap_err().place.contains("storage.container"));
        for (life, taken) in [("PT5M", true), ("P1D", true), ("5 minutes", false), ("PT1S", false), ("P2D", false)] {
            let storage = "connection_string='UseDevelopmentStorage=true',container='uploads'";
            let read = with_hub(&format!("storage={{{storage},sas_ttl='{life}'}}"));
            assert_eq!(read.is_ok(), taken, "{life}");
            assert!(read.err().is_none_or(|error| error.problem.contains("sasTtlAsIso8601")));
        }
        let mut params = rcgen::CertificateParams::default();
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = params.self_signed(&key).unwrap().pem();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().pem();
        let certificate =
            |pem: &str| with_hub(&format!("certificates=[{{name='root',certificate=\"\"\"{pem}\"\"\"}}]"));
        assert!(certificate(&root).unwrap().iot_hubs[0].certificates[0].verified);
        let error = certificate(&leaf).unwrap_err();
        assert!(error.place.contains("iot_hubs[0].certificates[0].certificate"), "{error}");
    }

    /// Each would be taken without a word and fail only when somebody signs in.
    #[test]
    fn what_could_never_work_is_refused_with_its_place() {
        let id_scope =
            |text: &str| format!("[[provisioning_services]]\nname='dps'\nresource_group='g'\nid_scope='{text}'");
        let person = |fields: &str| format!("[[principals]]\nname='p'\n{fields}\n");
        let cases = [
            ("policies=[{name='p',rights='RegistryRead',primary_key='abc!'}]".to_owned(), "policies[0].primary_key"),
            ("policies=[{name='p',rights='EnrollmentRead'}]".to_owned(), "policies[0].rights"),
            ("policies=[{name='p q',rights='RegistryRead'}]".to_owned(), "policies[0].name"),
            ("[[resource_groups]]\nname='h'\nsubscription='s'".to_owned(), "resource_groups[1].subscription"),
            ("[[resource_groups]]\nname='h'\nlocation='mars'".to_owned(), "resource_groups[1].location"),
            ("[[management_groups]]\nname='a'\nparent='a'".to_owned(), "management_groups[0].parent"),
            (
                "[[provisioning_services]]\nname='dps'\nresource_group='g'\n\
                 links=[{hub='hub-one',by='connection-string',policy='nope'}]"
                    .to_owned(),
                "provisioning_services[0].links[0].policy",
            ),
            (
                "[[provisioning_services]]\nname='dps'\nresource_group='g'\n\
                 identity={object_id='x',client_id='y'}"
                    .to_owned(),
                "provisioning_services[0].identity.object_id",
            ),
            (id_scope("bad"), "provisioning_services[0].id_scope"),
            (id_scope("0ne0000001"), "provisioning_services[0].id_scope"),
            (id_scope("0ne0000000G"), "provisioning_services[0].id_scope"),
            ("[[custom_roles]]\nname='owner'".to_owned(), "custom_roles[0]"),
            ("[[custom_roles]]\nname='R'\nid='x'".to_owned(), "custom_roles[0].id"),
            ("[[custom_roles]]\nname='R'\nactions=['read']".to_owned(), "custom_roles[0].actions"),
            ("[[custom_roles]]\nname='R'\nassignable_scopes=['/']".to_owned(), "custom_roles[0].assignable_scopes"),
            (person("kind='service-principal'\ncertificates=['x']"), "principals[0] (p).certificates[0]"),
            (
                person("kind='service-principal'\nfederated_credentials=[{issuer='i',subject='s',public_key_pem='x'}]"),
                "principals[0] (p).federated_credentials[0].public_key_pem",
            ),
            (person("kind='user'\nuser_name='u'\npassword='p'\nmembers=['p']"), "principals[0] (p).members"),
            (person("kind='group'\nclient_secret='x'"), "principals[0] (p).client_secret"),
            (
                person("kind='user'\nuser_name='u'\npassword='p'")
                    + "[[principals]]\nname='q'\nkind='user'\n\
                 user_name='U'\npassword='p'",
                "user_name",
            ),
        ];
        for (members, place) in cases {
            let error = with_hub(&members).unwrap_err();
            assert!(error.place.starts_with(&format!("w.toml, {}", place_of(place))), "{members}: {error}");
            assert!(!error.remedy.is_empty());
        }
    }

    /// A hub's own fields stand below it.
    fn place_of(place: &str) -> String {
        if place.starts_with("policies") { format!("iot_hubs[0].{place}") } else { place.to_owned() }
    }

    #[test]
    fn a_custom_role_is_assigned_below_its_scopes_and_nowhere_else() {
        let world = |assignable: &str, scope: &str| {
            with_hub(&format!(
                "[[resource_groups]]\nname='h'\n[[management_groups]]\nname='top'\n[[management_groups]]\nname='mid'\n\
                 parent='top'\n[[subscriptions]]\nid='c0ffee00-0000-4000-8000-000000000003'\nname='t'\n\
                 management_group='mid'\n[[custom_roles]]\nname='R'\nactions=['*/read']\n\
                 assignable_scopes=[{assignable}]\n[[principals]]\nname='p'\nkind='service-principal'\n\
                 roles=[{{role='R',scope='{scope}'}}]"
            ))
        };
        let third = "subscription:c0ffee00-0000-4000-8000-000000000003";
        for (assignable, scope) in
            [("", "hub:hub-one"), ("'group:g'", "hub:hub-one"), ("'management-group:top'", third)]
        {
            world(assignable, scope).unwrap();
        }
        for (assignable, scope) in
            [("", third), ("'group:h'", "hub:hub-one"), ("'management-group:top'", "hub:hub-one")]
        {
            let error = world(assignable, scope).unwrap_err();
            assert!(error.place.ends_with("principals[0] (p).roles[0].scope"), "{error}");
        }
    }

    #[test]
    fn the_schema_describes_hubs() {
        assert!(json_schema().to_string().contains("iot_hubs"));
    }
}
