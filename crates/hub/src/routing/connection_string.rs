//! The connection string of an event hub that is an endpoint.
//!
//! Source: Event Hubs' own form. Keys in it are what a reader of the entity signs with.

use iolite_kernel::Secret;

/// What a connection string says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EventHubConnection {
    /// The host, in lower case, without port.
    pub(crate) host: String,
    /// The policy's name.
    pub(crate) key_name: Option<String>,
    /// The policy's key.
    pub(crate) key: Option<Secret>,
    /// The event hub.
    pub(crate) entity: Option<String>,
}

impl EventHubConnection {
    /// Reads `Endpoint=sb://host/;SharedAccessKeyName=…;SharedAccessKey=…;EntityPath=…`; names compare without case.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut found = Self::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name.trim().to_ascii_lowercase().as_str() {
                "endpoint" => found.host = host_of(value.trim())?,
                "sharedaccesskeyname" => found.key_name = Some(value.to_owned()),
                "sharedaccesskey" => found.key = Some(Secret::new(value)),
                "entitypath" => found.entity = Some(value.to_owned()),
                _ => {}
            }
        }
        (!found.host.is_empty()).then_some(found)
    }
}

/// The host of `sb://host[:port]/…`, in lower case.
pub(crate) fn host_of(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    if !["sb", "amqps", "amqp"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return None;
    }
    let authority = rest.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_read_in_any_order_and_case() {
        let text = "EntityPath=orders;sharedaccesskeyname=send;SharedAccessKey=a2V5==;endpoint=sb://LocalHost:5671/;";
        let read = EventHubConnection::read(text).unwrap();
        assert_eq!((read.host.as_str(), read.entity.as_deref()), ("localhost", Some("orders")));
        assert_eq!((read.key_name.as_deref(), read.key.as_ref().map(Secret::reveal)), (Some("send"), Some("a2V5==")));
        assert_eq!(host_of("sb://[::1]:5671/").as_deref(), Some("::1"));
    }

    #[test]
    fn what_names_no_host_is_not_one() {
        for text in ["", "EntityPath=a", "Endpoint=http://x/", "Endpoint=sb:///", "nonsense"] {
            assert_eq!(EventHubConnection::read(text), None, "{text}");
        }
    }
}
