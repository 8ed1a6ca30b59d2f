//! What went wrong, as problem details for programs (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::store::StoreError;

/// A request that is not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Problem {
    pub(in crate::web) status: StatusCode,
    /// The same for all of a kind.
    title: &'static str,
    /// What is wrong with this one, and what to do about it.
    pub(in crate::web) detail: String,
    /// Seconds after which to ask again.
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: &str) -> Self {
        Self { status, title, detail: detail.to_owned(), retry_after: None }
    }

    pub(in crate::web) fn unauthorized() -> Self {
        let detail =
            "send `Authorization: Bearer SECRET` with the secret of a token from [tokens] of the configuration";
        Self::new(StatusCode::UNAUTHORIZED, "No valid token", detail)
    }

    pub(in crate::web) fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Not allowed with this token", detail)
    }

    pub(in crate::web) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    pub(in crate::web) fn method_not_allowed() -> Self {
        let detail = "this path is read with GET, or acted on with POST; /api/v1/openapi.json says which";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Wrong method", detail)
    }

    pub(in crate::web) fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Not understood", detail)
    }

    pub(in crate::web) fn too_large(most: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Too large", &format!("a body has at most {most} bytes"))
    }

    /// What never reached a handler, because it is no HTTP; `None` for other codes.
    pub(in crate::web) fn of_parser(status: u16) -> Option<Self> {
        let (title, detail) = match status {
            400 => (
                "Not understood",
                "the first line or a header is no HTTP: in an address, write < > \" { } | ^ ` and spaces as %3C %3E %22 %7B %7D %7C %5E %60 %20",
            ),
            414 => ("Address too long", "shorten the query"),
            431 => ("Headers too large", "send fewer or shorter headers"),
            _ => return None,
        };
        Some(Self::new(StatusCode::from_u16(status).ok()?, title, detail))
    }

    /// The body of the answer (RFC 9457).
    pub(in crate::web) fn json(&self) -> String {
        let Self { status, title, detail, .. } = self;
        json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail }).to_string()
    }

    /// What was asked for cannot be done to the thing as it is.
    pub(in crate::web) fn conflict(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "Not possible now", detail)
    }

    pub(in crate::web) fn too_many(seconds: u64) -> Self {
        let problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests", &format!("ask again in {seconds} seconds"));
        Self { retry_after: Some(seconds), ..problem }
    }

    pub(in crate::web) fn fault(detail: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The state cannot be read or written", detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(event = "api_failed", "a request of the API could not be answered: {error}");
        Problem::fault("the daemon's log says why; try again")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.json();
        let Problem { status, retry_after, .. } = self;
        let mut response = (status, Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mentiond\""));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
