package weights

import "fmt"

// A Type is the form that the numbers of a tensor have in their file. Values
// below 100 are GGML's own numbers, so that a GGUF header needs no table.
type Type uint8

// The types that loader/kernels computes with. Values within a block are
// little-endian.
const (
	F32  Type = 0  // IEEE float32
	F16  Type = 1  // IEEE float16
	Q4_0 Type = 2  // 32 values: float16 scale, 4-bit values minus 8
	Q4_1 Type = 3  // 32 values: float16 scale and minimum, 4-bit values
	Q8_0 Type = 8  // 32 values: float16 scale, int8 values
	Q4_K Type = 12 // 256 values: 8 groups of 32 with 6-bit scales and minima
	Q6_K Type = 14 // 256 values: 16 groups of 16 with 8-bit scales
	F64  Type = 28 // IEEE float64
	BF16 Type = 30 // upper half of a float32

	F8_E4M3 Type = 105 // sign, 4 bits of exponent, 3 of fraction; no infinities
	F8_E5M2 Type = 106 // upper half of a float16
)

// Types that only safetensors files have.
const (
	firstHubType Type = 100

	u8 = firstHubType + iota - 1
	u16
	u32
	u64
	boolean
)

// A block is the smallest run of values that can be read alone.
type block struct {
	name          string
	values, bytes int
}

// blocks holds every type a file may have, so that sizes can be checked and
// named even where the type cannot be computed with.
var blocks = [256]block{
	F32: {"F32", 1, 4}, F16: {"F16", 1, 2}, BF16: {"BF16", 1, 2},
	Q4_0: {"Q4_0", 32, 18}, Q4_1: {"Q4_1", 32, 20}, Q8_0: {"Q8_0", 32, 34},
	Q4_K: {"Q4_K", 256, 144}, Q6_K: {"Q6_K", 256, 210},

	6: {"Q5_0", 32, 22}, 7: {"Q5_1", 32, 24}, 9: {"Q8_1", 32, 40},
	10: {"Q2_K", 256, 84}, 11: {"Q3_K", 256, 110}, 13: {"Q5_K", 256, 176}, 15: {"Q8_K", 256, 292},
	16: {"IQ2_XXS", 256, 66}, 17: {"IQ2_XS", 256, 74}, 18: {"IQ3_XXS", 256, 98}, 19: {"IQ1_S", 256, 50},
	20: {"IQ4_NL", 32, 18}, 21: {"IQ3_S", 256, 110}, 22: {"IQ2_S", 256, 82}, 23: {"IQ4_XS", 256, 136},
	24: {"I8", 1, 1}, 25: {"I16", 1, 2}, 26: {"I32", 1, 4}, 27: {"I64", 1, 8}, F64: {"F64", 1, 8},
	29: {"IQ1_M", 256, 56}, 34: {"TQ1_0", 256, 54}, 35: {"TQ2_0", 256, 66},
	39: {"MXFP4", 32, 17}, 40: {"NVFP4", 64, 36}, 41: {"Q1_0", 128, 18},

	u8: {"U8", 1, 1}, u16: {"U16", 1, 2}, u32: {"U32", 1, 4}, u64: {"U64", 1, 8},
	boolean: {"BOOL", 1, 1}, F8_E4M3: {"F8_E4M3", 1, 1}, F8_E5M2: {"F8_E5M2", 1, 1},
}

// dtypes are the names that safetensors headers use.
var dtypes = map[string]Type{
	"F32": F32, "F16": F16, "BF16": BF16, "F64": F64, "I8": 24, "I16": 25, "I32": 26, "I64": 27,
	"U8": u8, "U16": u16, "U32": u32, "U64": u64, "BOOL": boolean, "F8_E4M3": F8_E4M3, "F8_E5M2": F8_E5M2,
}

// String is the name of t as its format writes it.
func (t Type) String() string {
	if b := blocks[t]; b.name != "" {
		return b.name
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Block is the number of values and of bytes in one block of t, 0 and 0 for
// an unknown type.
func (t Type) Block() (values, bytes int) {
	b := blocks[t]
	return b.values, b.bytes
}
