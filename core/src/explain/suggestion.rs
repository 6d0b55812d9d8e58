//! What would make a miss a hit, if something simple would.

use crate::identity::suggest_preset;
use crate::json::Difference;

/// Outermost members that say who asks or for which run, and not what: an answer
/// does not depend on them. Of any other member nobody knows that.
const VOLATILE: [&str; 14] = [
    "client_request_id",
    "conversation_id",
    "id",
    "idempotency_key",
    "labels",
    "metadata",
    "prompt_cache_key",
    "request_id",
    "run_id",
    "safety_identifier",
    "session_id",
    "trace_id",
    "user",
    "user_id",
];

/// Returns a suggestion if all differences have one simple reason.
pub(super) fn for_differences(
    differences: &[Difference],
    more: usize,
    http: bool,
) -> Option<String> {
    if more > 0 || differences.is_empty() {
        return None;
    }
    let mut paths = Vec::with_capacity(differences.len());
    for difference in differences {
        match (http, difference.path.strip_prefix("/body")) {
            (true, Some(path)) => paths.push(path),
            (true, None) if difference.path == "/url" && differences.len() == 1 => {
                return for_url(difference);
            }
            (true, None) => return None,
            (false, _) => paths.push(difference.path.as_str()),
        }
    }
    if paths.len() <= 3 && paths.iter().all(|path| may_be_ignored(path)) {
        let list: Vec<String> = paths.iter().map(|path| format!("{path:?}")).collect();
        return Some(format!("ignore = [{}]", list.join(", ")));
    }
    let mut presets = differences.iter().map(|difference| {
        let text = |json: &Option<String>| json.as_deref().and_then(as_text);
        suggest_preset(&text(&difference.recorded)?, &text(&difference.requested)?)
    });
    let first = presets.next()??;
    presets.all(|preset| preset == Some(first)).then(|| format!("normalize = [{first:?}]"))
}

fn may_be_ignored(path: &str) -> bool {
    VOLATILE.contains(&path.split('/').nth(1).unwrap_or_default())
}

/// Suggests an alias where only the port of a local server changed.
fn for_url(difference: &Difference) -> Option<String> {
    let host = |json: &Option<String>| -> Option<(String, String)> {
        let url = as_text(json.as_deref()?)?;
        let (authority, path) = url.split_once('/')?;
        let (host, _port) = authority.rsplit_once(':')?;
        Some((host.to_owned(), path.to_owned()))
    };
    let (recorded, requested) = (host(&difference.recorded)?, host(&difference.requested)?);
    (recorded == requested)
        .then(|| format!("host_aliases = {{\"{}:*\" = \"<the provider's host>\"}}", requested.0))
}

fn as_text(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(path: &str, recorded: &str, requested: &str) -> Difference {
        Difference {
            path: path.to_owned(),
            recorded: Some(recorded.to_owned()),
            requested: Some(requested.to_owned()),
        }
    }

    #[test]
    fn a_member_that_is_not_asked_may_be_ignored() {
        let run = difference("/body/metadata/run_id", "\"a\"", "\"b\"");
        let suggested = for_differences(&[run], 0, true);
        assert_eq!(suggested.as_deref(), Some(r#"ignore = ["/metadata/run_id"]"#));
    }

    #[test]
    fn another_question_is_never_ignored() {
        let prompt = difference("/body/messages/0/content", "\"a\"", "\"b\"");
        assert_eq!(for_differences(&[prompt], 0, true), None);
        for path in ["/model", "/stream", "/temperature", "/tool_choice", "/occurrence"] {
            let other = difference(path, "\"a\"", "\"b\"");
            assert_eq!(for_differences(&[other], 0, false), None, "{path}");
        }
    }

    #[test]
    fn a_uuid_inside_a_prompt_suggests_its_preset() {
        let prompt = difference(
            "/body/messages/0/content",
            "\"run 4f9c1f7e-59c1-4b0e-a2a7-5d2c8e0f1a2b now\"",
            "\"run 11111111-59c1-4b0e-a2a7-5d2c8e0f1a2b now\"",
        );
        assert_eq!(for_differences(&[prompt], 0, true).as_deref(), Some(r#"normalize = ["uuid"]"#));
    }

    #[test]
    fn another_port_of_a_local_server_suggests_an_alias() {
        let url = difference("/url", "\"127.0.0.1:80/v1\"", "\"127.0.0.1:81/v1\"");
        let suggested = for_differences(&[url], 0, true).unwrap();
        assert!(suggested.starts_with("host_aliases = {\"127.0.0.1:*\""), "{suggested}");
    }
}
