//! What a test shows at the door.

use serde_json::Value;

/// An `Authorization` value, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential(Option<String>);

impl Credential {
    /// Nothing at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// An `Authorization` value of the test's own making.
    #[must_use]
    pub fn raw(text: impl Into<String>) -> Self {
        Self(Some(text.into()))
    }

    /// The value of a JSON text, as it stands.
    #[must_use]
    pub fn text(value: &Value) -> Self {
        Self(value.as_str().map(str::to_owned))
    }

    /// `Bearer` and the value of a JSON text.
    #[must_use]
    pub fn bearer(value: &Value) -> Self {
        Self(value.as_str().map(|token| format!("Bearer {token}")))
    }

    /// The value, where there is one.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.0.as_deref()
    }
}
