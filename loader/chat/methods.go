package chat

// listMethods are the methods of list and tuple that change nothing; those
// that would are absent, as in Jinja's immutable sandbox.
var listMethods = map[string]func(in *interp, l *list, a args) value{
	"index": func(in *interp, l *list, a args) value {
		p := in.bind("index", a, param{"value", required{}})
		for i, item := range l.items {
			in.spend(1)
			if in.equal(item, p[0], 0) {
				return int64(i)
			}
		}
		in.fail("value is not in the list")
		return nil
	},
	"count": func(in *interp, l *list, a args) value {
		p := in.bind("count", a, param{"value", required{}})
		n := int64(0)
		for _, item := range l.items {
			in.spend(1)
			if in.equal(item, p[0], 0) {
				n++
			}
		}
		return n
	},
	"copy": func(in *interp, l *list, a args) value { in.bind("copy", a); return l },
}

// dictMethods are the methods of dict that change nothing.
var dictMethods = map[string]func(in *interp, d *dict, a args) value{
	"get": func(in *interp, d *dict, a args) value {
		p := in.bind("get", a, param{"key", required{}}, param{"default", nil})
		if _, ok := hashKey(p[0]); !ok {
			in.fail("a %s cannot be a key", typeName(p[0]))
		}
		if v, ok := d.get(p[0]); ok {
			return v
		}
		return p[1]
	},
	"items":  func(in *interp, d *dict, a args) value { return in.view("dict_items", a, d.items) },
	"keys":   func(in *interp, d *dict, a args) value { return in.view("dict_keys", a, d.keys) },
	"values": func(in *interp, d *dict, a args) value { return in.view("dict_values", a, d.values) },
	"copy":   func(in *interp, d *dict, a args) value { in.bind("copy", a); return d },
}

// view gives what a dict's method of this name shows.
func (in *interp) view(name string, a args, items func() []value) value {
	in.bind(name, a)
	v := &iterator{items: items(), view: name}
	in.spend(len(v.items))
	return v
}
