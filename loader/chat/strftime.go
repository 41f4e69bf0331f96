package chat

import (
	"fmt"
	"strings"
	"time"
)

// layouts are the strftime directives that Go's time has a layout for.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'd': "02", 'e': "_2", 'm': "01",
	'y': "06", 'Y': "2006", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'j': "002", 'D': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'c': "Mon Jan _2 15:04:05 2006",
	'x': "01/02/06", 'X': "15:04:05", 'r': "03:04:05 PM",
}

// strftime formats t in the C locale; ok is false for a directive that it does
// not know. datetime.now() has no zone, so %Z and %z are empty.
func strftime(t time.Time, format string) (text string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		trim := format[i] == '-' && i+1 < len(format)
		if trim {
			i++
		}
		part, ok := directive(t, format[i])
		if !ok {
			return "", false
		}
		if trim && len(part) > 1 {
			part = strings.TrimLeft(part[:len(part)-1], "0 ") + part[len(part)-1:]
		}
		b.WriteString(part)
	}
	return b.String(), true
}

func directive(t time.Time, c byte) (string, bool) {
	switch c {
	case 'Z', 'z':
		return "", true
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case 's':
		return fmt.Sprint(t.Unix()), true
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1), true
	case 'w':
		return fmt.Sprint(int(t.Weekday())), true
	case 'V', 'G':
		year, week := t.ISOWeek()
		if c == 'G' {
			return fmt.Sprint(year), true
		}
		return fmt.Sprintf("%02d", week), true
	case 'U', 'W':
		day := int(t.Weekday())
		if c == 'W' {
			day = (day + 6) % 7
		}
		return fmt.Sprintf("%02d", (t.YearDay()+6-day)/7), true
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	}
	layout, ok := layouts[c]
	return t.Format(layout), ok
}
