//! The control API's OpenAPI document, made from its table of endpoints.

use serde_json::{Map, Value, json};

use super::endpoints::{BASE, ENDPOINTS, Endpoint, Field};

/// The document.
pub(super) fn openapi() -> Value {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let item = paths.entry(format!("{BASE}{}", endpoint.path)).or_insert_with(|| json!({}));
        item[endpoint.method] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Iolite control API", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let in_path = endpoint
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = endpoint
        .query
        .iter()
        .map(|(name, kind, says)| json!({"name": name, "in": "query", "description": says, "schema": {"type": kind}}));
    let mut operation = json!({
        "summary": endpoint.summary,
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            "2XX": {"description": "What was asked for, as JSON; 204 where there is nothing to say."},
            "default": {
                "description": "A refusal.",
                "content": {"application/json": {"schema": refusal()}},
            },
        },
    });
    if !endpoint.body.is_empty() {
        let content = json!({"application/json": {"schema": object(endpoint.body)}});
        operation["requestBody"] = json!({"content": content});
    }
    operation
}

fn object(fields: &[Field]) -> Value {
    let properties = fields
        .iter()
        .map(|(name, kind, says)| (name.trim_end_matches('!').to_owned(), json!({"type": kind, "description": says})));
    let required: Vec<&str> = fields.iter().filter_map(|(name, ..)| name.strip_suffix('!')).collect();
    let mut schema = json!({"type": "object", "properties": properties.collect::<Map<_, _>>()});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn refusal() -> Value {
    let text = json!({"type": "string"});
    let error = json!({"type": "object", "properties": {"code": text, "message": text}});
    json!({"type": "object", "properties": {"error": error}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_every_endpoint() {
        let document = openapi();
        for endpoint in ENDPOINTS {
            assert!(document["paths"][format!("{BASE}{}", endpoint.path)][endpoint.method].is_object());
        }
    }

    #[test]
    fn the_document_says_what_an_endpoint_takes() {
        let document = openapi();
        let check = &document["paths"]["/iolite/v1/check"]["post"]["requestBody"]["content"]["application/json"];
        assert_eq!(check["schema"]["required"], json!(["principal", "resource"]));
        assert_eq!(check["schema"]["properties"]["addRole"]["type"], "string");
        let decisions = document["paths"]["/iolite/v1/decisions"]["get"]["parameters"].as_array().unwrap();
        let names: Vec<_> = decisions.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["outcome", "principal", "operation", "limit"]);
        let one = &document["paths"]["/iolite/v1/decisions/{id}"]["get"]["parameters"][0];
        assert_eq!((&one["in"], &one["required"]), (&json!("path"), &json!(true)));
    }
}
