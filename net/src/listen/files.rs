//! Pages that the server hands out, such as the one to play the example games on.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderMap, Response, StatusCode, header},
};
use bevy_ecs::prelude::*;

/// Names every file, by its path without a leading slash.
type List = fn() -> Vec<Cow<'static, str>>;
/// Finds a file by its path.
type Find = fn(&str) -> Option<Cow<'static, [u8]>>;

/// Files to hand out below `/`, usually embedded in the binary.
///
/// Insert it as a resource. `index.html` is what a browser gets at `/`.
#[derive(Resource, Clone, Copy, Debug)]
pub struct PublicFiles {
    list: List,
    find: Find,
}

impl PublicFiles {
    /// The files that `list` names, by paths such as `js/arena.js`, and `find` finds.
    #[must_use]
    pub const fn new(list: List, find: Find) -> Self {
        Self { list, find }
    }

    /// The path of every file.
    pub(crate) fn paths(&self) -> Vec<Cow<'static, str>> {
        (self.list)()
    }
}

/// Whether whoever asks is a browser that wants a page, rather than a probe.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The file at a path. At `/` a probe gets an empty answer and a browser the page.
pub(crate) fn serve_file(
    files: Option<PublicFiles>,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response<Body>> {
    let path = path.trim_start_matches('/');
    if path.is_empty() && !wants_page(headers) {
        return Some(Response::new(Body::empty()));
    }
    let name = if path.is_empty() { "index.html" } else { path };
    let Some(bytes) = files.and_then(|files| (files.find)(name)) else {
        return path.is_empty().then(|| Response::new(Body::empty()));
    };
    let response = Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, content_type(name))
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(Body::from(bytes.into_owned()));
    response.ok()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") | None => "text/plain; charset=utf-8",
        Some(_) => "application/octet-stream",
    }
}
