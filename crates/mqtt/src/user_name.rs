//! The user name of CONNECT: which hub, which device or module, which api-version; or which provisioning service.
//!
//! `{host}/{device}[/{module}]/?api-version=…&DeviceClientType=…&model-id=…`, also without the `?` (older SDKs) and with
//! nothing after the ids; `{idScope}/registrations/{registrationId}/api-version=…` for a provisioning service. Source: the
//! hub's and the provisioning service's MQTT documentation, and captures of the Python and Node SDKs.

use percent_encoding::percent_decode_str;

/// A user name, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UserName {
    /// A device or module of a hub.
    Hub(HubUser),
    /// A device that registers with a provisioning service.
    Provisioning {
        /// The service's id scope.
        id_scope: String,
        /// The registration's id.
        registration_id: String,
    },
}

/// A device or module of a hub, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HubUser {
    /// The hub's host, lower case, without a port.
    pub(crate) host: String,
    /// The device's id, with case.
    pub(crate) device_id: String,
    /// The module's id, with case.
    pub(crate) module_id: Option<String>,
    /// `api-version`, or empty.
    pub(crate) api_version: String,
    /// `DeviceClientType`, or empty.
    pub(crate) client_type: String,
    /// The model it follows.
    pub(crate) model_id: Option<String>,
}

impl UserName {
    /// Reads a user name; `None` where it is neither form.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (first, rest) = text.split_once('/')?;
        if let Some(registration) = rest.strip_prefix("registrations/").filter(|rest| !starts_query(rest)) {
            let (id, _) = registration.split_once('/').unwrap_or((registration, ""));
            return (!first.is_empty() && !id.is_empty())
                .then(|| Self::Provisioning { id_scope: first.to_owned(), registration_id: id.to_owned() });
        }
        HubUser::read(first, rest).map(Self::Hub)
    }
}

impl HubUser {
    fn read(host: &str, rest: &str) -> Option<Self> {
        let (device_id, rest) = segment(rest);
        let (module_id, rest) = if rest.is_empty() || starts_query(rest) { ("", rest) } else { segment(rest) };
        if host.is_empty() || device_id.is_empty() || !(rest.is_empty() || starts_query(rest)) {
            return None;
        }
        let mut user = Self {
            host: host.split_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase(),
            device_id: device_id.to_owned(),
            module_id: (!module_id.is_empty()).then(|| module_id.to_owned()),
            api_version: String::new(),
            client_type: String::new(),
            model_id: None,
        };
        for (name, value) in rest.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('=')) {
            let value = percent_decode_str(value).decode_utf8().ok()?.into_owned();
            match name {
                "api-version" => user.api_version = value,
                "DeviceClientType" => user.client_type = value,
                "model-id" | "modelId" | "digital-twin-model-id" => user.model_id = Some(value),
                _ => {}
            }
        }
        Some(user)
    }

    /// The client identifier that goes with it.
    pub(crate) fn is_client(&self, client_id: &str) -> bool {
        match &self.module_id {
            None => client_id == self.device_id,
            Some(module) => client_id.split_once('/').is_some_and(|(d, m)| d == self.device_id && m == module),
        }
    }
}

/// Up to the next slash, or to a query that follows without one.
fn segment(text: &str) -> (&str, &str) {
    match (text.find('/'), text.find("?api-version=")) {
        (slash, Some(query)) if slash.is_none_or(|slash| query < slash) => (&text[..query], &text[query..]),
        (Some(slash), _) => (&text[..slash], &text[slash + 1..]),
        (None, _) => (text, ""),
    }
}

fn starts_query(text: &str) -> bool {
    text.starts_with('?') || text.starts_with("api-version=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(text: &str) -> HubUser {
        match UserName::read(text) {
            Some(UserName::Hub(user)) => user,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_device_names_its_hub_its_version_and_its_client() {
        let user =
            hub("LocalHost:8883/Dev-1/?api-version=2019-10-01&DeviceClientType=azure-iot-device-iothub-py%2F2.14.0");
        assert_eq!((user.host.as_str(), user.device_id.as_str(), &user.module_id), ("localhost", "Dev-1", &None));
        assert_eq!(
            (user.api_version.as_str(), user.client_type.as_str()),
            ("2019-10-01", "azure-iot-device-iothub-py/2.14.0")
        );
        assert!(user.is_client("Dev-1") && !user.is_client("dev-1") && !user.is_client("Dev-1/"));
    }

    #[test]
    fn a_module_stands_behind_its_device() {
        let user = hub("h/dev1/mod1/?api-version=2021-04-12&model-id=dtmi%3Aa%3Bb%3B1");
        assert_eq!(user.module_id.as_deref(), Some("mod1"));
        assert_eq!(user.model_id.as_deref(), Some("dtmi:a;b;1"));
        assert!(user.is_client("dev1/mod1") && !user.is_client("dev1"));
    }

    #[test]
    fn the_question_mark_and_the_query_may_be_missing() {
        for text in ["h/dev1/api-version=2018-06-30", "h/dev1/?api-version=2018-06-30", "h/dev1?api-version=2018-06-30"]
        {
            let user = hub(text);
            assert_eq!((user.device_id.as_str(), user.api_version.as_str()), ("dev1", "2018-06-30"), "{text}");
        }
        assert_eq!(hub("h/dev1").api_version, "");
        assert_eq!(hub("h/dev1/").module_id, None);
    }

    #[test]
    fn each_spelling_of_the_model_is_known() {
        for name in ["model-id", "modelId", "digital-twin-model-id"] {
            assert_eq!(hub(&format!("h/d/?{name}=dtmi:a;1")).model_id.as_deref(), Some("dtmi:a;1"));
        }
    }

    #[test]
    fn an_unescaped_slash_in_the_query_stays_there() {
        assert_eq!(hub("h/d/?api-version=1&DeviceClientType=node/1.18 (x)").client_type, "node/1.18 (x)");
    }

    #[test]
    fn a_provisioning_device_is_told_apart_from_a_device_called_registrations() {
        assert_eq!(
            UserName::read("0ne0/registrations/Reg1/api-version=2019-03-31&ClientVersion=x"),
            Some(UserName::Provisioning { id_scope: "0ne0".into(), registration_id: "Reg1".into() })
        );
        assert_eq!(hub("h/registrations/?api-version=1").device_id, "registrations");
    }

    #[test]
    fn other_names_are_none() {
        for text in ["", "dev1", "/dev1", "h/", "h//m", "h/d/m/x", "h/d/m/x/?api-version=1", "h/d/?model-id=%ff"] {
            assert_eq!(UserName::read(text), None, "{text}");
        }
    }
}
