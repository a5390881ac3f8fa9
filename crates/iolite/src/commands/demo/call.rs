//! A request of the demo, as it is told and as it is sent, and the answer it is to get.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use serde_json::Value;

/// A credential, and how it is spoken of.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    /// Who it makes the caller, for the narration.
    pub(super) shown: String,
    /// The `Authorization` header.
    pub(super) header: String,
}

/// A request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// Its method.
    pub(super) method: Method,
    /// Its absolute address.
    pub(super) url: String,
    /// What it is sent with.
    pub(super) credential: Option<&'a Credential>,
    body: Bytes,
    content_type: Option<&'static str>,
}

impl<'a> Call<'a> {
    /// A GET.
    pub(super) fn get(url: String) -> Self {
        Self { method: Method::GET, url, credential: None, body: Bytes::new(), content_type: None }
    }

    /// A PUT of JSON.
    pub(super) fn put(url: String, body: &Value) -> Self {
        Self::json(Method::PUT, url, body)
    }

    /// A PATCH with JSON.
    pub(super) fn patch(url: String, body: &Value) -> Self {
        Self::json(Method::PATCH, url, body)
    }

    /// A POST of a form.
    pub(super) fn form(url: String, fields: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        Self {
            method: Method::POST,
            url,
            credential: None,
            body: form.finish().into(),
            content_type: Some("application/x-www-form-urlencoded"),
        }
    }

    /// The same, with a credential.
    pub(super) fn with(mut self, credential: &'a Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    fn json(method: Method, url: String, body: &Value) -> Self {
        Self { method, url, credential: None, body: body.to_string().into(), content_type: Some("application/json") }
    }

    /// The request for the wire.
    pub(super) fn into_request(self) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.url)
            .header(header::USER_AGENT, concat!("iolite-demo/", env!("CARGO_PKG_VERSION")));
        if let Some(credential) = self.credential {
            request = request.header(header::AUTHORIZATION, &credential.header);
        }
        if let Some(content_type) = self.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        request.body(Full::new(self.body)).context("the request cannot be written")
    }
}

/// What an answer is to be, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    status: u16,
    because: &'static str,
    /// Words that the body has to hold.
    saying: Option<&'static str>,
}

impl Expected {
    /// This status, for this reason.
    pub(super) const fn status(status: u16, because: &'static str) -> Self {
        Self { status, because, saying: None }
    }

    /// And these words in the body.
    pub(super) const fn saying(mut self, words: &'static str) -> Self {
        self.saying = Some(words);
        self
    }

    /// The line that tells the answer: `Ok` where it is the one that was expected.
    pub(super) fn judge(&self, status: u16, body: &str) -> Result<String, String> {
        if status != self.status {
            return Err(format!(
                "{status}, where {} was expected: {}; the answer was: {body}",
                self.status, self.because
            ));
        }
        match self.saying {
            Some(words) if !body.contains(words) => {
                Err(format!("{status} as expected, but without `{words}` in it; the answer was: {body}"))
            }
            Some(words) => Ok(format!("{status} {}, as expected: {}", words.trim_end_matches(';'), self.because)),
            None => Ok(format!("{status}, as expected: {}", self.because)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: Expected = Expected::status(401, "no role").saying("IotHubUnauthorized");

    #[test]
    fn an_answer_as_told_says_why() {
        assert_eq!(
            REFUSED.judge(401, "ErrorCode:IotHubUnauthorized;x").unwrap(),
            "401 IotHubUnauthorized, as expected: no role"
        );
    }

    #[test]
    fn another_status_or_other_words_are_not_as_told() {
        assert!(REFUSED.judge(200, "{}").unwrap_err().contains("where 401 was expected"));
        assert!(REFUSED.judge(401, "{}").unwrap_err().contains("without `IotHubUnauthorized`"));
    }
}
