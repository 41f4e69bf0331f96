package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// Bounds on the pickle in a .pth file.
const (
	// MaxPickle bounds its bytes. A tensor takes about 150.
	MaxPickle = 8 << 20
	// MaxPickleOps bounds the instructions. A tensor takes about 30.
	MaxPickleOps = 1 << 18
)

// What a pickle may make, besides string, int64, float64, bool and nil.
type (
	pyTuple  []any
	pyList   struct{ items []any }
	pyDict   struct{ keys, values []any } // OrderedDict too
	pyGlobal string                       // "module name", one of pickleGlobals
	pyMark   struct{}
	// pyStorage is a persistent id: the bytes of one or more tensors.
	pyStorage struct {
		typ    Type
		key    string // names the file in the archive
		values int64
	}
	// pyTensor is a view of a storage.
	pyTensor struct {
		storage       *pyStorage
		offset        int64 // values
		shape, stride pyTuple
	}
)

// pickleGlobals are the only names that a pickle may mention. None of them is
// run: OrderedDict makes a pyDict, the two functions a pyTensor.
var pickleGlobals = map[pyGlobal]bool{
	"collections OrderedDict":         true,
	"torch._utils _rebuild_tensor_v2": true,
	"torch._utils _rebuild_parameter": true,
}

// pickleStorages are the classes of storages by the type of their values.
var pickleStorages = map[pyGlobal]Type{
	"torch FloatStorage": F32, "torch HalfStorage": F16, "torch BFloat16Storage": BF16, "torch DoubleStorage": F64,
	"torch ByteStorage": u8, "torch CharStorage": i8, "torch ShortStorage": i16, "torch IntStorage": i32,
	"torch LongStorage": i64, "torch BoolStorage": boolean,
	"torch Float8_e4m3fnStorage": F8_E4M3, "torch Float8_e5m2Storage": F8_E5M2,
}

// An unpickler interprets the opcodes that torch.save writes. It makes plain
// values and calls nothing: a REDUCE of anything but the three known names is
// refused, as is every opcode it does not know.
type unpickler struct {
	f     File
	base  int64 // where the pickle begins in the file
	b     []byte
	pos   int // of the next byte
	op    int // where the current instruction begins
	stack []any
	memo  map[uint32]any
	err   error
}

// unpickle reads one value from b, which lies at base in the file.
func unpickle(f File, base int64, b []byte) (any, error) {
	u := &unpickler{f: f, base: base, b: b, memo: map[uint32]any{}}
	for range MaxPickleOps {
		u.op = u.pos
		code := u.byte()
		if u.err == nil && code == '.' {
			v := u.pop()
			if len(u.stack) != 0 {
				u.fail("got %d values left at the end, want none", len(u.stack))
			}
			return v, u.err
		}
		u.step(code)
		if u.err != nil {
			return nil, u.err
		}
	}
	u.fail("got more than %d instructions", MaxPickleOps)
	return nil, u.err
}

// step runs one instruction.
func (u *unpickler) step(code byte) {
	switch code {
	case 0x80: // PROTO
		if v := u.byte(); v < 2 || v > 5 {
			u.fail("got protocol %d, want 2 to 5", v)
		}
	case 0x95: // FRAME
		u.bytes(8)
	case 'q', 'r', 0x94: // BINPUT, LONG_BINPUT, MEMOIZE
		u.put(code)
	case 'h': // BINGET
		u.get(uint32(u.byte()))
	case 'j': // LONG_BINGET
		u.get(u.u32())
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		u.global(code)
	case 'R': // REDUCE
		u.reduce()
	case 'Q': // BINPERSID
		u.persistent()
	case 'b': // BUILD: the attributes of an OrderedDict, which no tensor is in
		u.pop()
		if _, ok := u.top().(*pyDict); !ok {
			u.fail("got attributes for %s, want them for an OrderedDict", kindOf(u.top()))
		}
	case 's', 'u', 'a', 'e': // SETITEM, SETITEMS, APPEND, APPENDS
		u.fill(code)
	default:
		u.literal(code)
	}
}

// literal runs an instruction that pushes a value.
func (u *unpickler) literal(code byte) {
	switch code {
	case '(':
		u.push(pyMark{})
	case 't': // TUPLE
		u.push(pyTuple(u.popMark()))
	case ')':
		u.push(pyTuple(nil))
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		n := int(code - 0x84)
		t := make(pyTuple, n)
		for i := range n {
			t[n-1-i] = u.pop()
		}
		u.push(t)
	case '}':
		u.push(&pyDict{})
	case ']':
		u.push(&pyList{})
	case 'N':
		u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		u.push(code == 0x88)
	case 'K': // BININT1
		u.push(int64(u.byte()))
	case 'M': // BININT2
		u.push(int64(binary.LittleEndian.Uint16(u.bytes(2))))
	case 'J': // BININT
		u.push(int64(int32(u.u32())))
	case 0x8a: // LONG1
		u.long()
	case 'G': // BINFLOAT
		u.push(math.Float64frombits(binary.BigEndian.Uint64(u.bytes(8))))
	case 'X': // BINUNICODE
		u.text(uint64(u.u32()))
	case 0x8c: // SHORT_BINUNICODE
		u.text(uint64(u.byte()))
	default:
		u.fail("got opcode %#02x, which is not on the list", code)
	}
}

// fill puts items into a dict or a list.
func (u *unpickler) fill(code byte) {
	var items []any
	switch code {
	case 's':
		v := u.pop()
		items = []any{u.pop(), v}
	case 'a':
		items = []any{u.pop()}
	default:
		items = u.popMark()
	}
	dict := code == 's' || code == 'u'
	switch c := u.top().(type) {
	case *pyDict:
		if !dict || len(items)%2 != 0 {
			u.fail("got %d items for a dict, want keys with values", len(items))
			return
		}
		for i := 0; i < len(items); i += 2 {
			c.keys, c.values = append(c.keys, items[i]), append(c.values, items[i+1])
		}
	case *pyList:
		if dict {
			u.fail("got keys for a list, want items")
			return
		}
		c.items = append(c.items, items...)
	default:
		u.fail("got items for %s, want a dict or a list", kindOf(c))
	}
}

// global pushes a name on the list.
func (u *unpickler) global(code byte) {
	var module, name string
	if code == 'c' {
		module, name = u.line(), u.line()
	} else {
		name, _ = u.pop().(string)
		module, _ = u.pop().(string)
	}
	g := pyGlobal(module + " " + name)
	if _, storage := pickleStorages[g]; !storage && !pickleGlobals[g] {
		u.fail("got global %.80q, which is not on the list", module+"."+name)
		return
	}
	u.push(g)
}

// reduce makes what one of the known names would; nothing is called.
func (u *unpickler) reduce() {
	args, _ := u.pop().(pyTuple)
	fn, ok := u.pop().(pyGlobal)
	if u.err != nil {
		return
	}
	if !ok {
		u.fail("got a call of something that is no global")
		return
	}
	switch fn {
	case "collections OrderedDict":
		if len(args) == 0 {
			u.push(&pyDict{})
			return
		}
	case "torch._utils _rebuild_tensor_v2":
		if len(args) < 6 {
			break
		}
		s, ok1 := args[0].(*pyStorage)
		offset, ok2 := args[1].(int64)
		shape, ok3 := args[2].(pyTuple)
		stride, ok4 := args[3].(pyTuple)
		if ok1 && ok2 && ok3 && ok4 {
			u.push(&pyTensor{s, offset, shape, stride})
			return
		}
	case "torch._utils _rebuild_parameter":
		if len(args) == 3 {
			if t, ok := args[0].(*pyTensor); ok {
				u.push(t)
				return
			}
		}
	}
	u.fail("got a call of %s with arguments that torch.save does not write", fn)
}

// persistent turns ("storage", class, key, device, values) into a storage.
func (u *unpickler) persistent() {
	id, _ := u.pop().(pyTuple)
	if len(id) == 5 && id[0] == any("storage") {
		class, _ := id[1].(pyGlobal)
		typ, ok1 := pickleStorages[class]
		key, ok2 := id[2].(string)
		n, ok3 := id[4].(int64)
		if ok1 && ok2 && ok3 && n >= 0 {
			u.push(&pyStorage{typ, key, n})
			return
		}
	}
	u.fail("got a persistent id that is no storage")
}

// put remembers the top of the stack.
func (u *unpickler) put(code byte) {
	var i uint32
	switch code {
	case 'q':
		i = uint32(u.byte())
	case 'r':
		i = u.u32()
	default:
		i = uint32(len(u.memo))
	}
	u.memo[i] = u.top()
}

func (u *unpickler) get(i uint32) {
	v, ok := u.memo[i]
	if !ok {
		u.fail("got memo %d, which is empty", i)
	}
	u.push(v)
}

// long reads a whole number of up to 8 bytes.
func (u *unpickler) long() {
	n := u.byte()
	if n > 8 {
		u.fail("got a number of %d bytes, want at most 8", n)
		return
	}
	var v [8]byte
	if b := u.bytes(int(n)); n > 0 {
		copy(v[:], b)
		if b[n-1]&0x80 != 0 {
			for i := n; i < 8; i++ {
				v[i] = 0xff
			}
		}
	}
	u.push(int64(binary.LittleEndian.Uint64(v[:])))
}

func (u *unpickler) text(n uint64) {
	if n > MaxName {
		u.fail("got a text of %d bytes, want at most %d", n, MaxName)
		return
	}
	b := u.bytes(int(n))
	if !utf8.Valid(b) {
		u.fail("got a text that is not UTF-8")
	}
	u.push(string(b))
}

// line reads up to a newline.
func (u *unpickler) line() string {
	rest := u.b[min(u.pos, len(u.b)):]
	for i, c := range rest[:min(len(rest), MaxName)] {
		if c == '\n' {
			u.pos += i + 1
			return string(rest[:i])
		}
	}
	u.fail("got a name without an end")
	return ""
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

// top is the value on the stack, which a mark is not.
func (u *unpickler) top() any {
	if n := len(u.stack); n > 0 {
		if _, mark := u.stack[n-1].(pyMark); !mark {
			return u.stack[n-1]
		}
	}
	u.fail("got nothing on the stack")
	return nil
}

func (u *unpickler) pop() any {
	v := u.top()
	if u.err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v
}

// popMark takes what lies above the last mark, and the mark.
func (u *unpickler) popMark() []any {
	for i := len(u.stack) - 1; i >= 0; i-- {
		if _, ok := u.stack[i].(pyMark); ok {
			items := append([]any(nil), u.stack[i+1:]...)
			u.stack = u.stack[:i]
			return items
		}
	}
	u.fail("got no mark on the stack")
	return nil
}

func (u *unpickler) byte() byte { return u.bytes(1)[0] }

func (u *unpickler) u32() uint32 { return u32le(u.bytes(4)) }

// bytes is the next n ≤ MaxName bytes, zeros past the end.
func (u *unpickler) bytes(n int) []byte {
	if n > len(u.b)-u.pos {
		u.fail("it goes on past the end at byte %d: it is cut short", len(u.b))
		return make([]byte, n)
	}
	u.pos += n
	return u.b[u.pos-n : u.pos]
}

func (u *unpickler) fail(format string, args ...any) {
	if u.err == nil {
		u.err = &FormatError{File: u.f.Path, Object: "pickle", Offset: u.base + int64(u.op), Reason: fmt.Sprintf(format, args...)}
	}
}

// kindOf names a value in errors.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case *pyDict:
		return "a dict"
	case *pyList:
		return "a list"
	case pyTuple:
		return "a tuple"
	case *pyTensor:
		return "a tensor"
	case *pyStorage:
		return "a storage"
	case pyGlobal:
		return string(v)
	}
	return fmt.Sprintf("a %T", v)
}
