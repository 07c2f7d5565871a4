//! The OpenAPI 3.1 document about the methods, made from the protos with their comments.
//!
//! In: the methods and the descriptions of their messages. Out: a document of JSON.

mod comments;
mod messages;
#[cfg(test)]
mod tests;

use prost_reflect::{MethodDescriptor, ServiceDescriptor};
use serde_json::{Map, Value, json};

use super::{error, schema::Schema};
use comments::{Comments, summary};
use messages::Messages;

/// The name of the schema of an error.
const ERROR: &str = "connect.Error";

/// The document about all methods that are served.
pub(super) fn document(schema: &Schema) -> Value {
    let comments = Comments::of(schema.pool());
    let mut messages = Messages::new(&comments);
    let (mut paths, mut tags) = (Map::new(), Vec::new());
    for service in schema.pool().services() {
        let path =
            |method: &MethodDescriptor| format!("/{}/{}", service.full_name(), method.name());
        let served = service.methods().filter(|method| schema.method(&path(method)).is_some());
        let mut is_served = false;
        for method in served {
            let operation = operation(&service, &method, &comments);
            paths.insert(path(&method), json!({ "post": operation }));
            messages.add_request(&method.input());
            messages.add_response(&method.output());
            is_served = true;
        }
        if is_served {
            let description = comments.of_item(service.parent_file().name(), service.path());
            tags.push(json!({ "name": service.name(), "description": description }));
        }
    }
    let mut schemas = messages.into_schemas();
    schemas.insert(ERROR.to_owned(), error_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "rownd-authz",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The users behind tokens, for backends in any language.",
            "description": "Every method is one POST with a message in JSON, by Connect's protocol for \
                            unary calls; the same paths answer gRPC-Web. A caller shows its secret or a \
                            client certificate. Errors say a code, a reason, and whether to try again.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "secret": [] }, { "certificate": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "secret": {
                    "type": "http", "scheme": "bearer",
                    "description": "The secret of a caller (rownd_auth.callers).",
                },
                "certificate": {
                    "type": "mutualTLS",
                    "description": "A client certificate whose name is a caller's.",
                },
            },
        },
    })
}

fn operation(service: &ServiceDescriptor, method: &MethodDescriptor, comments: &Comments) -> Value {
    let description = comments.of_item(service.parent_file().name(), method.path());
    let parameter = |name: &str, about: &str, schema: Value| json!({ "name": name, "in": "header", "description": about, "schema": schema });
    json!({
        "operationId": format!("{}_{}", service.name(), method.name()),
        "tags": [service.name()],
        "summary": summary(&description),
        "description": description,
        "parameters": [
            parameter(
                "Connect-Protocol-Version",
                "The version of the protocol.",
                json!({ "type": "string", "const": "1" }),
            ),
            parameter(
                "Connect-Timeout-Ms",
                "The longest time in milliseconds that the caller waits.",
                json!({ "type": "integer", "minimum": 0, "maximum": 9_999_999_999_u64 }),
            ),
        ],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": messages::reference(&method.input()) } },
        },
        "responses": {
            "200": {
                "description": "The response.",
                "content": { "application/json": { "schema": messages::reference(&method.output()) } },
            },
            "default": {
                "description": "An error.",
                "content": {
                    "application/json": { "schema": { "$ref": format!("#/components/schemas/{ERROR}") } },
                },
            },
        },
    })
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "An error, in the form of Connect. The reason is in the detail google.rpc.ErrorInfo.",
        "required": ["code"],
        "properties": {
            "code": {
                "type": "string", "enum": error::words(),
                "description": "The code; it decides the HTTP status.",
            },
            "message": { "type": "string", "description": "The error as a sentence for people." },
            "details": {
                "type": "array",
                "description": "Messages of google.rpc: ErrorInfo, RetryInfo, BadRequest.",
                "items": {
                    "type": "object",
                    "required": ["type", "value"],
                    "properties": {
                        "type": { "type": "string", "description": "The name of the message." },
                        "value": {
                            "type": "string", "contentEncoding": "base64",
                            "description": "The message, encoded in base64 without padding.",
                        },
                        "debug": { "description": "The message in JSON, for people." },
                    },
                },
            },
        },
    })
}
