//! How a game registers what it adds to the server.

use bevy_app::prelude::*;
use bevy_ecs::{prelude::*, system::IntoSystem};

use crate::{
    functions::{
        AfterRequest, ApiCall, ApiResult, BeforeRequest, Caller, Function, Functions, HookOutcome,
        MatchedEntry, RpcAnswer, RpcCall, RpcResult, SessionEnded,
    },
    id::MatchId,
    matches::{MatchKind, MatchKinds},
    request::{Request, RequestKind},
};

/// What a game registers: kinds of match, functions and hooks. All of them are bevy systems.
pub trait GameApp {
    /// Adds a kind of match. Its rules are systems in the match schedules, such as
    /// [`MatchLoop`](crate::MatchLoop).
    fn add_match<T: MatchKind>(&mut self) -> &mut Self;

    /// Adds a function that clients and other servers call by id, whatever its case.
    fn add_rpc<M>(
        &mut self,
        id: &str,
        function: impl IntoSystem<In<RpcCall>, RpcResult, M> + 'static,
    ) -> &mut Self;

    /// Adds a function that may answer later, when the database has told it what it needs to know.
    ///
    /// It says what it wants to know with [`then`](crate::Question::then), which names the system that goes
    /// on. Until the answer is there, the client's other requests wait; everything else goes on. Answers
    /// come in any case: a database that fails is an answer, too.
    ///
    /// ```
    /// use tiltyard::{DataResult, ObjectId, RpcAnswer, StorageObject, prelude::*};
    ///
    /// fn news(In(_): In<RpcCall>, mut storage: Storage) -> RpcAnswer {
    ///     let today = ObjectId::of_server("news", "today");
    ///     storage.read([today]).then((), show_news)
    /// }
    ///
    /// fn show_news(In((_, found)): In<((), DataResult<Vec<StorageObject>>)>) -> RpcResult {
    ///     let news = found?.pop();
    ///     Ok(news.map_or_else(|| "{}".to_owned(), |news| news.value))
    /// }
    ///
    /// let mut app = App::new();
    /// app.add_later_rpc("news", news);
    /// ```
    fn add_later_rpc<R: Into<RpcAnswer> + 'static, M>(
        &mut self,
        id: &str,
        function: impl IntoSystem<In<RpcCall>, R, M> + 'static,
    ) -> &mut Self;

    /// Adds a hook that sees requests of one kind before they are carried out, and may change or refuse
    /// them. Functions have no hooks.
    fn before<M>(
        &mut self,
        kind: RequestKind,
        hook: impl IntoSystem<In<BeforeRequest>, HookOutcome<Request>, M> + 'static,
    ) -> &mut Self;

    /// Adds a hook that sees requests of one kind after they succeeded.
    fn after<M>(
        &mut self,
        kind: RequestKind,
        hook: impl IntoSystem<In<AfterRequest>, (), M> + 'static,
    ) -> &mut Self;

    /// Adds a hook before an HTTP operation, named such as `AuthenticateCustom`.
    fn before_api<M>(
        &mut self,
        operation: &str,
        hook: impl IntoSystem<In<ApiCall>, HookOutcome<serde_json::Value>, M> + 'static,
    ) -> &mut Self;

    /// Adds a hook after an HTTP operation that succeeded.
    fn after_api<M>(
        &mut self,
        operation: &str,
        hook: impl IntoSystem<In<ApiResult>, (), M> + 'static,
    ) -> &mut Self;

    /// Sets what happens when a session has started.
    fn on_session_start<M>(
        &mut self,
        hook: impl IntoSystem<In<Caller>, (), M> + 'static,
    ) -> &mut Self;

    /// Sets what happens when a session has ended and is off every stream.
    fn on_session_end<M>(
        &mut self,
        hook: impl IntoSystem<In<SessionEnded>, (), M> + 'static,
    ) -> &mut Self;

    /// Sets what happens when the matchmaker has put players together: the id of a match that they are
    /// to join, or nothing, and they get a token for a relayed one.
    fn on_matchmaker_matched<M>(
        &mut self,
        hook: impl IntoSystem<In<Vec<MatchedEntry>>, Option<MatchId>, M> + 'static,
    ) -> &mut Self;
}

impl GameApp for App {
    fn add_match<T: MatchKind>(&mut self) -> &mut Self {
        self.init_resource::<MatchKinds>();
        self.world_mut().resource_mut::<MatchKinds>().add::<T>();
        self
    }

    fn add_rpc<M>(
        &mut self,
        id: &str,
        function: impl IntoSystem<In<RpcCall>, RpcResult, M> + 'static,
    ) -> &mut Self {
        self.add_later_rpc(
            id,
            function.map(|result: RpcResult| RpcAnswer::from(result)),
        )
    }

    fn add_later_rpc<R: Into<RpcAnswer> + 'static, M>(
        &mut self,
        id: &str,
        function: impl IntoSystem<In<RpcCall>, R, M> + 'static,
    ) -> &mut Self {
        functions(self)
            .rpcs
            .insert(id.to_lowercase(), Function::new(function.map(R::into)));
        self
    }

    fn before<M>(
        &mut self,
        kind: RequestKind,
        hook: impl IntoSystem<In<BeforeRequest>, HookOutcome<Request>, M> + 'static,
    ) -> &mut Self {
        functions(self).before.insert(kind, Function::new(hook));
        self
    }

    fn after<M>(
        &mut self,
        kind: RequestKind,
        hook: impl IntoSystem<In<AfterRequest>, (), M> + 'static,
    ) -> &mut Self {
        functions(self).after.insert(kind, Function::new(hook));
        self
    }

    fn before_api<M>(
        &mut self,
        operation: &str,
        hook: impl IntoSystem<In<ApiCall>, HookOutcome<serde_json::Value>, M> + 'static,
    ) -> &mut Self {
        functions(self)
            .before_api
            .insert(operation.to_owned(), Function::new(hook));
        self
    }

    fn after_api<M>(
        &mut self,
        operation: &str,
        hook: impl IntoSystem<In<ApiResult>, (), M> + 'static,
    ) -> &mut Self {
        functions(self)
            .after_api
            .insert(operation.to_owned(), Function::new(hook));
        self
    }

    fn on_session_start<M>(
        &mut self,
        hook: impl IntoSystem<In<Caller>, (), M> + 'static,
    ) -> &mut Self {
        functions(self).session_start = Some(Function::new(hook));
        self
    }

    fn on_session_end<M>(
        &mut self,
        hook: impl IntoSystem<In<SessionEnded>, (), M> + 'static,
    ) -> &mut Self {
        functions(self).session_end = Some(Function::new(hook));
        self
    }

    fn on_matchmaker_matched<M>(
        &mut self,
        hook: impl IntoSystem<In<Vec<MatchedEntry>>, Option<MatchId>, M> + 'static,
    ) -> &mut Self {
        functions(self).matched = Some(Function::new(hook));
        self
    }
}

/// Registering works before and after the engine's own plugin was added.
fn functions(app: &mut App) -> Mut<'_, Functions> {
    app.init_resource::<Functions>();
    app.world_mut().resource_mut::<Functions>()
}
