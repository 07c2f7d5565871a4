//! The services for backends over HTTP/1: each method in JSON by Connect's protocol, and as gRPC-Web,
//! with an OpenAPI document.
//!
//! In: a request and the other end of its connection. Out: a response. Each call goes through the same
//! door as a gRPC call, with the same rights, limits, metrics and errors. No caller is local here, not
//! even on a loopback address: web pages and proxies come from there.

mod body;
mod connect;
mod content_type;
mod error;
mod grpc_web;
mod json;
mod openapi;
mod origin;
mod reply;
mod schema;
mod translator;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use tonic::{body::Body, service::Routes};
use tower::BoxError;

use super::{
    DESCRIPTORS, Doors, REQUEST_TIME,
    budget::{ConnectionBudget, ListenerBudget},
    rownd_auth::{AuthDoor, PACKAGE, Rpc},
};
use crate::{
    blocking::BlockingRunner,
    config::HttpCors,
    model::{Origin, Peer, PeerName},
};
use content_type::Protocol;
use origin::AllowedPages;
use schema::Schema;
use translator::Translator;

/// The path of the document that describes all methods.
const OPENAPI: &str = "/openapi.json";

/// The services for backends, as one HTTP listener serves them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WebDoors(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: Arc<AuthDoor>,
    routes: Routes,
    budget: Arc<ListenerBudget>,
    schema: Schema,
    openapi: Bytes,
    translator: Translator,
    pages: AllowedPages,
    /// How long a request may take to come.
    body_time: Duration,
}

impl WebDoors {
    /// The same services, limits and metrics as behind these doors.
    ///
    /// # Errors
    ///
    /// Fails where the compiled protos, which the build makes, lack a method.
    pub fn build(
        doors: &Doors,
        cors: Option<&HttpCors>,
        blocking: BlockingRunner,
    ) -> Result<Self, String> {
        let schema = Schema::build(DESCRIPTORS)?;
        let openapi = openapi::document(&schema).to_string().into();
        Ok(Self(Arc::new(Inner {
            service: doors.service.clone(),
            routes: doors.routes.clone(),
            budget: doors.budget.clone(),
            schema,
            openapi,
            translator: Translator::new(blocking),
            pages: AllowedPages::new(cors),
            body_time: REQUEST_TIME,
        })))
    }

    /// The doors for the requests of one connection, whose peer has shown a certificate with these
    /// names.
    #[must_use]
    pub fn for_connection(&self, names: Vec<PeerName>) -> WebConnection {
        let peer = Peer { origin: Origin::Network, names };
        let connection = ConnectionBudget::new(self.0.budget.clone(), peer);
        WebConnection { doors: self.clone(), connection }
    }
}

/// The doors as one connection meets them.
#[derive(Debug, Clone)]
pub struct WebConnection {
    doors: WebDoors,
    connection: Arc<ConnectionBudget>,
}

/// A call, in any protocol, on one connection.
struct RpcCall<'a> {
    doors: &'a Inner,
    connection: &'a Arc<ConnectionBudget>,
}

impl RpcCall<'_> {
    /// Has the door answer a gRPC call.
    async fn answer<B>(&self, rpc: Option<&'static Rpc>, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let peer = Some(self.connection.peer());
        self.doors.service.answer(rpc, peer, self.doors.routes.clone(), request).await
    }
}

impl WebConnection {
    /// Whether requests for this path are answered here.
    #[must_use]
    pub fn serves(path: &str) -> bool {
        path == OPENAPI || path.starts_with(PACKAGE)
    }

    /// Answers a request for one of these paths.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + std::fmt::Display,
    {
        let doors = &*self.doors.0;
        if request.uri().path() == OPENAPI {
            return doors.describe(request.method());
        }
        if let Err(refused) = doors.pages.check(request.headers()) {
            return refused;
        }
        let call = RpcCall { doors, connection: &self.connection };
        if !request.headers().contains_key(header::ORIGIN) {
            return call.serve(request).await;
        }
        doors.pages.answer(request, |request| call.serve(request)).await
    }
}

impl Inner {
    /// The document about all methods. It is the same for everybody, and public.
    fn describe(&self, method: &Method) -> Response<Body> {
        let body = match *method {
            Method::GET => self.openapi.clone(),
            Method::HEAD => Bytes::new(),
            _ => return only("GET, HEAD"),
        };
        let mut response = reply::json(StatusCode::OK, body);
        let any = HeaderValue::from_static("*");
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
        response
    }
}

impl RpcCall<'_> {
    async fn serve<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + std::fmt::Display,
    {
        if *request.method() != Method::POST {
            return only("POST");
        }
        let Some(protocol) = content_type::protocol(request.headers()) else {
            let text = "send application/json, or a type of gRPC-Web\n";
            let told = (HeaderName::from_static("accept-post"), content_type::ACCEPTED);
            return reply::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text, Some(told));
        };
        let method = self.doors.schema.method(request.uri().path());
        match protocol {
            Protocol::Json => connect::answer(self, method, request).await,
            Protocol::GrpcWeb(content_type) => {
                grpc_web::answer(self, method, request, content_type).await
            }
        }
    }
}

fn only(methods: &'static str) -> Response<Body> {
    let text = "this method is not served here\n";
    reply::refusal(StatusCode::METHOD_NOT_ALLOWED, text, Some((header::ALLOW, methods)))
}
