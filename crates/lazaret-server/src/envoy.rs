//! Envoy's external authorization, version 3: requests with the filter of requests, greetings with the filter of
//! connections.
//!
//! Of a request, host, path and addresses are taken; headers and bodies are dropped unread, whatever Envoy was
//! configured to send.

use std::net::IpAddr;
use std::sync::Arc;

use envoy_types::ext_authz::v3::pb::{
    Authorization, CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption,
    HttpResponse, OkHttpResponse,
};
use envoy_types::pb::envoy::config::core::v3::address::Address as AddressKind;
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::Peer;
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use envoy_types::pb::google::rpc;
use lazaret_core::Permission;
use lazaret_pipeline::egress::{AskedCall, Decided};
use lazaret_policy::egress::refusal;
use tonic::{Request, Response, Status};

use crate::service::{Point, Service};

/// The header under which answers name their decision.
const DECISION_HEADER: &str = "x-lazaret-decision";

/// The header that warns of a call that the mode `enforce` would stop.
const WARNING_HEADER: &str = "x-lazaret-warning";

/// Answers Envoy.
#[derive(Debug)]
pub struct EnvoyAuthorization {
    service: Arc<Service>,
}

impl EnvoyAuthorization {
    /// Answers by a service.
    #[must_use]
    pub fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    fn answer(&self, attributes: &AttributeContext) -> CheckResponse {
        let http = attributes.request.as_ref().and_then(|request| request.http.as_ref());
        let sni = attributes.tls_session.as_ref().map(|session| session.sni.as_bytes());
        let extensions = &attributes.context_extensions;
        let extension = |name: &str| extensions.get(name).map(String::as_str);
        let source = attributes.source.as_ref();
        let principal = source.map(|peer| peer.principal.as_str()).filter(|name| !name.is_empty());
        let point = if http.is_some() { Point::EnvoyHttp } else { Point::EnvoyNetwork };
        let asked = AskedCall {
            host: http.map(|http| http.host.as_bytes()).filter(|host| !host.is_empty()),
            sni: sni.filter(|sni| !sni.is_empty()),
            // CONNECT has no path of its own.
            path: http.filter(|http| http.method != "CONNECT").map(|http| http.path.as_bytes()),
            // A filter of requests sees the address of its own listener.
            server: match point {
                Point::EnvoyNetwork => attributes.destination.as_ref().and_then(address),
                Point::EnvoyHttp | Point::Squid => None,
            },
            client: source.and_then(address),
            login: principal.or_else(|| extension("login")),
            purpose: extension("purpose").and_then(|purpose| purpose.parse().ok()),
            account: extension("account"),
            kept_seconds: 0,
        };
        let decider = self.service.decider();
        match self.service.decide(&decider, point, &asked) {
            Decided::Missed { .. } => allowed(Vec::new(), None),
            Decided::Matched(call) => {
                let decision = &call.decision;
                let told = refusal(decider.policy(), call.endpoint, decision);
                let mut fields = vec![
                    ("decision", decision.id.to_string()),
                    ("permission", decision.permission.to_string()),
                    ("enforced", decision.enforced.to_string()),
                    ("mode", decision.mode.as_str().to_owned()),
                    ("valid_until", decision.valid_until.to_string()),
                ];
                fields.extend(decision.rule.as_ref().map(|rule| ("rule", rule.to_string())));
                fields.extend(decision.exemption.clone().map(|exemption| ("exemption", exemption)));
                let metadata = Some(metadata(fields));
                let mut headers = vec![header(DECISION_HEADER, decision.id.to_string())];
                match decision.permission {
                    Permission::Deny => denied(headers, told.join("\n") + "\n", metadata),
                    Permission::Allow => {
                        if !told.is_empty() {
                            headers.push(header(WARNING_HEADER, told.join(" ")));
                        }
                        allowed(headers, metadata)
                    }
                }
            }
        }
    }
}

#[tonic::async_trait]
impl Authorization for EnvoyAuthorization {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let attributes = request.into_inner().attributes;
        let attributes =
            attributes.ok_or_else(|| Status::invalid_argument("the request has no attributes"))?;
        Ok(Response::new(self.answer(&attributes)))
    }
}

fn address(peer: &Peer) -> Option<IpAddr> {
    match peer.address.as_ref()?.address.as_ref()? {
        AddressKind::SocketAddress(socket) => socket.address.parse().ok(),
        AddressKind::Pipe(_) | AddressKind::EnvoyInternalAddress(_) => None,
    }
}

fn header(key: &str, value: String) -> HeaderValueOption {
    // A header is one line of ASCII; what people wrote into the policy may be more.
    let value =
        value.chars().map(|one| if one.is_ascii_graphic() || one == ' ' { one } else { '?' }).collect();
    HeaderValueOption {
        header: Some(HeaderValue { key: key.to_owned(), value, ..HeaderValue::default() }),
        ..HeaderValueOption::default()
    }
}

fn metadata(fields: Vec<(&'static str, String)>) -> Struct {
    let value = |text| Value { kind: Some(Kind::StringValue(text)) };
    Struct { fields: fields.into_iter().map(|(key, text)| (key.to_owned(), value(text))).collect() }
}

fn status(code: rpc::Code) -> Option<rpc::Status> {
    Some(rpc::Status { code: code.into(), ..rpc::Status::default() })
}

fn allowed(headers: Vec<HeaderValueOption>, dynamic_metadata: Option<Struct>) -> CheckResponse {
    CheckResponse {
        status: status(rpc::Code::Ok),
        dynamic_metadata,
        // Told to the caller alone: what goes to the service stays as the caller made it.
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse {
            response_headers_to_add: headers,
            ..OkHttpResponse::default()
        })),
    }
}

fn denied(headers: Vec<HeaderValueOption>, body: String, dynamic_metadata: Option<Struct>) -> CheckResponse {
    CheckResponse {
        status: status(rpc::Code::PermissionDenied),
        dynamic_metadata,
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: 403 }),
            headers,
            body,
        })),
    }
}
