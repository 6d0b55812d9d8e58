//! Results of Anthropic message batches, which come in any order.

use super::Row;
use super::bad::Bad;
use super::fields::Fields;
use super::messages::{error_text, put_parts, put_usage};
use serde_json::{Map, Value};

/// Whether the members are those of a result of a batch.
pub(super) fn fits(members: &Map<String, Value>) -> bool {
    members.contains_key("custom_id") && members.contains_key("result")
}

/// Makes a row of the members.
pub(super) fn row(members: Map<String, Value>) -> Result<Row, Bad> {
    let mut fields = Fields::new(members);
    let mut row = Row { case_id: fields.text("custom_id")?, ..Row::default() };
    let mut result = fields.within("result")?;
    let kind = result.take("type");
    match kind.as_ref().and_then(Value::as_str) {
        Some("succeeded") => {
            let mut message = result.within("message")?;
            row.model = message.text("model")?;
            put_usage(&mut row, &mut message)?;
            put_parts(&mut row, message.list("content")?.unwrap_or_default());
            row.finish_reason = message.text("stop_reason")?;
            let message = message.rest();
            if !message.is_empty() {
                result.put("message", message);
            }
        }
        Some("errored") => {
            let error = result.take("error");
            row.error = Some(error.as_ref().and_then(error_text).unwrap_or("errored".to_owned()));
        }
        Some(kind @ ("canceled" | "expired")) => row.error = Some(kind.to_owned()),
        _ => {
            let reason =
                "`result` has a `type` other than succeeded, errored, canceled and expired";
            return Err(Bad { at: super::bad::Place::Member("result"), reason: reason.to_owned() });
        }
    }
    let mut rest = result.rest();
    rest.extend(kind.map(|kind| ("type".to_owned(), kind)));
    fields.put("result", rest);
    row.extra = fields.rest();
    Ok(row)
}
