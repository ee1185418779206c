//! The value of `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Whether a value is one.
pub(crate) fn is_retry_after(value: &[u8]) -> bool {
    is_digits(value) || is_http_date(value)
}

/// `1*DIGIT`
pub(crate) fn is_digits(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

/// Section 5.6.7: the preferred form, the only one that may be sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn is_http_date(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let words: Vec<&str> = text.split(' ').collect();
    let [day_name, day, month, year, time, "GMT"] = words[..] else { return false };
    let number = |text: &str, width: usize, max: u32| {
        let is_number = text.len() == width && is_digits(text.as_bytes());
        is_number && text.parse().is_ok_and(|number: u32| number <= max)
    };
    let clock: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = clock[..] else { return false };
    day_name.strip_suffix(',').is_some_and(|name| DAYS.contains(&name))
        && number(day, 2, 31)
        && MONTHS.contains(&month)
        && number(year, 4, 9999)
        && number(hour, 2, 23)
        && number(minute, 2, 59)
        && number(second, 2, 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_preferred_form_only() {
        assert!(is_http_date(b"Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!is_http_date(b"Sunday, 06-Nov-94 08:49:37 GMT"));
        assert!(!is_http_date(b"Sun, 6 Nov 1994 08:49:37 GMT"));
        assert!(!is_http_date(b"Sun, 06 Nov 1994 24:49:37 GMT"));
    }
}
