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

/// Something by which two dates in the preferred form can be compared: year, month, day, and the time as text.
pub(crate) fn http_date_order(value: &[u8]) -> Option<(u32, usize, u32, String)> {
    let text = std::str::from_utf8(value).ok().filter(|text| is_http_date(text.as_bytes()))?;
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, _] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)?;
    Some((year.parse().ok()?, month, day.parse().ok()?, time.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_compared_by_time_and_not_by_their_text() {
        let earlier = http_date_order(b"Sun, 06 Nov 1994 08:49:37 GMT");
        for later in [
            "Sun, 06 Nov 1994 08:49:38 GMT",
            "Thu, 01 Dec 1994 00:00:00 GMT",
            "Mon, 02 Jan 1995 00:00:00 GMT",
        ] {
            assert!(http_date_order(later.as_bytes()) > earlier, "{later}");
        }
        assert_eq!(http_date_order(b"0"), None);
    }

    #[test]
    fn dates_have_the_preferred_form_only() {
        assert!(is_http_date(b"Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!is_http_date(b"Sunday, 06-Nov-94 08:49:37 GMT"));
        assert!(!is_http_date(b"Sun, 6 Nov 1994 08:49:37 GMT"));
        assert!(!is_http_date(b"Sun, 06 Nov 1994 24:49:37 GMT"));
    }
}
