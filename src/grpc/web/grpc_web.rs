//! Calls of gRPC-Web, which `tonic-web` makes gRPC calls of.
//!
//! In: a request of gRPC-Web. Out: its response. In between it is a gRPC call like any other.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, header};
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};

use super::{RpcCall, connect, schema::WebMethod};
use crate::grpc::{
    budget::CallSlot,
    call_label::{CallKind, CallRefusal},
    request_body::{BodyBounds, BoundedBody, drop_unread_headers, refusal_status},
};

/// Answers one call. `content_type` is that of the request, as `tonic-web` knows it.
pub(super) async fn answer<B>(
    call: &RpcCall<'_>,
    method: Option<&WebMethod>,
    mut request: Request<B>,
    content_type: &'static str,
) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError> + std::fmt::Display,
{
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(coding) = connect::compression(headers) {
        headers.insert(HeaderName::from_static("grpc-encoding"), coding);
    }
    let translated =
        service_fn(|request| async move { Ok::<_, Infallible>(ask(call, method, request).await) });
    let answer = GrpcWebLayer::new().layer(translated).oneshot(request).await;
    let mut answer = answer.unwrap_or_else(|never| match never {});
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

async fn ask(
    call: &RpcCall<'_>,
    method: Option<&WebMethod>,
    mut request: Request<Body>,
) -> Response<Body> {
    drop_unread_headers(request.headers_mut());
    let slot = CallSlot::take(call.connection, CallKind::Call);
    if slot.is_refused() {
        slot.refusal_written();
        return refusal_status(CallKind::Call, CallRefusal::Streams).into_http();
    }
    let rpc = method.map(|method| method.rpc);
    let most = rpc.map_or(0, |rpc| rpc.max_request_bytes);
    let bounds = BodyBounds::one(CallKind::Call, most).within(call.doors.body_time);
    let request = request.map(|body| BoundedBody::new(body, slot, bounds));
    call.answer(rpc, request).await
}
