use serde_json::json;

use super::social::stage_with_providers;
use super::stage::Stage;

#[tokio::test]
async fn friends_elsewhere_are_asked_for_and_not_told() {
    let import = async |stage: &Stage, path: &str, proof: &str| {
        let alice = stage.player(&format!("alice-{path}-{proof}")).await;
        let uri = format!("/v2/friend/{path}?reset=true");
        let ask = stage.ask("POST", &uri).token(&alice.token);
        let body = json!({"token": proof}).to_string();
        ask.body(body).send().await
    };
    let stage = Stage::new().await;
    let steam = "Steam authentication is not configured.";
    import(&stage, "steam", "").await.refused(400, 9, steam);
    let missing = "Facebook token is required.";
    let refused = "Could not authenticate Facebook profile.";
    import(&stage, "facebook", "")
        .await
        .refused(400, 3, missing);
    import(&stage, "facebook", "good-ann")
        .await
        .refused(401, 16, refused);
    let stage = stage_with_providers().await;
    for (path, name) in [("facebook", "Facebook"), ("steam", "Steam")] {
        let missing = format!("{name} token is required.");
        import(&stage, path, "").await.refused(400, 3, &missing);
        let refused = format!("Could not authenticate {name} profile.");
        import(&stage, path, "bad").await.refused(401, 16, &refused);
        let text = format!("{name} does not tell who a player's friends are.");
        import(&stage, path, "good-ann")
            .await
            .refused(501, 12, &text);
    }
}
