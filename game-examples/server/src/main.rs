//! The example server: Tiltyard with all example games, and a page to play them.

mod matched;
mod party_chat;

use rust_embed::RustEmbed;
use tiltyard::prelude::*;
use tiltyard_net::{PublicFiles, ServerPlugins};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The pages of the example games.
#[derive(RustEmbed)]
#[folder = "../../assets/play"]
struct Pages;

fn main() -> AppExit {
    let pages = PublicFiles::new(
        || Pages::iter().collect(),
        |path| Pages::get(path).map(|file| file.data),
    );
    App::new()
        .add_plugins((
            ServerPlugins,
            pingpong::plugin,
            xoxo::plugin,
            arena::plugin,
            words::plugin,
        ))
        .on_matchmaker_matched(matched::open_match)
        .before(RequestKind::ChannelJoin, party_chat::admit_members)
        .insert_resource(pages)
        .run()
}
