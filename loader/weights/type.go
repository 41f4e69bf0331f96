package weights

import "fmt"

// A Type is the form that the numbers of a tensor have in their file. Values
// below 100 are GGML's own numbers, so that a GGUF header needs no table.
type Type uint8

// The types that loader/kernels computes with. Values within a block are
// little-endian; scales are float16 where nothing else is said.
const (
	F32  Type = 0  // IEEE float32
	F16  Type = 1  // IEEE float16
	F64  Type = 28 // IEEE float64
	BF16 Type = 30 // upper half of a float32

	Q4_0 Type = 2 // 32 values: scale, 4-bit values minus 8
	Q4_1 Type = 3 // 32 values: scale and minimum, 4-bit values
	Q5_0 Type = 6 // 32 values: scale, 5-bit values minus 16
	Q5_1 Type = 7 // 32 values: scale and minimum, 5-bit values
	Q8_0 Type = 8 // 32 values: scale, int8 values

	Q2_K Type = 10 // 256 values: 16 groups of 16 with 4-bit scales and minima
	Q3_K Type = 11 // 256 values: 16 groups of 16 with 6-bit scales
	Q4_K Type = 12 // 256 values: 8 groups of 32 with 6-bit scales and minima
	Q5_K Type = 13 // 256 values: 8 groups of 32 with 6-bit scales and minima
	Q6_K Type = 14 // 256 values: 16 groups of 16 with 8-bit scales

	IQ2_XXS Type = 16 // 256 values: rows of a table of 256 times 8 values, signs
	IQ2_XS  Type = 17 // 256 values: rows of a table of 512 times 8 values, signs
	IQ3_XXS Type = 18 // 256 values: rows of a table of 256 times 4 values, signs
	IQ4_NL  Type = 20 // 32 values: scale, indices into 16 levels
	IQ3_S   Type = 21 // 256 values: rows of a table of 512 times 4 values, signs
	IQ2_S   Type = 22 // 256 values: rows of a table of 1024 times 8 values, signs
	IQ4_XS  Type = 23 // 256 values: 8 groups of 32 as IQ4_NL with 6-bit scales
	TQ1_0   Type = 34 // 256 values of -1, 0, 1: five to a byte
	TQ2_0   Type = 35 // 256 values of -1, 0, 1: four to a byte
	MXFP4   Type = 39 // 32 values: power of two, 4-bit floats
	NVFP4   Type = 40 // 64 values: 4 groups of 16 with 8-bit float scales, 4-bit floats

	F8_E4M3 Type = 105 // sign, 4 bits of exponent, 3 of fraction; no infinities
	F8_E5M2 Type = 106 // upper half of a float16
	F8_E8M0 Type = 109 // a power of two, of scales
	GPTQ4   Type = 107 // GPTQ's 4-bit groups: see Groups
	AWQ4    Type = 108 // AWQ's 4-bit groups: see Groups
)

// Whole numbers, which only architectures use that say so.
const (
	i8  Type = 24
	i16 Type = 25
	i32 Type = 26
	i64 Type = 27
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
	F32: {"F32", 1, 4}, F16: {"F16", 1, 2}, BF16: {"BF16", 1, 2}, F64: {"F64", 1, 8},
	Q4_0: {"Q4_0", 32, 18}, Q4_1: {"Q4_1", 32, 20}, Q5_0: {"Q5_0", 32, 22}, Q5_1: {"Q5_1", 32, 24},
	Q8_0: {"Q8_0", 32, 34}, Q2_K: {"Q2_K", 256, 84}, Q3_K: {"Q3_K", 256, 110}, Q4_K: {"Q4_K", 256, 144},
	Q5_K: {"Q5_K", 256, 176}, Q6_K: {"Q6_K", 256, 210},
	IQ2_XXS: {"IQ2_XXS", 256, 66}, IQ2_XS: {"IQ2_XS", 256, 74}, IQ2_S: {"IQ2_S", 256, 82},
	IQ3_XXS: {"IQ3_XXS", 256, 98}, IQ3_S: {"IQ3_S", 256, 110},
	IQ4_NL: {"IQ4_NL", 32, 18}, IQ4_XS: {"IQ4_XS", 256, 136},
	TQ1_0: {"TQ1_0", 256, 54}, TQ2_0: {"TQ2_0", 256, 66}, MXFP4: {"MXFP4", 32, 17}, NVFP4: {"NVFP4", 64, 36},

	9: {"Q8_1", 32, 40}, 15: {"Q8_K", 256, 292}, 19: {"IQ1_S", 256, 50}, 29: {"IQ1_M", 256, 56},
	i8: {"I8", 1, 1}, i16: {"I16", 1, 2}, i32: {"I32", 1, 4}, i64: {"I64", 1, 8}, 41: {"Q1_0", 128, 18},

	u8: {"U8", 1, 1}, u16: {"U16", 1, 2}, u32: {"U32", 1, 4}, u64: {"U64", 1, 8},
	boolean: {"BOOL", 1, 1}, F8_E4M3: {"F8_E4M3", 1, 1}, F8_E5M2: {"F8_E5M2", 1, 1},
	F8_E8M0: {"F8_E8M0", 1, 1}, GPTQ4: {"GPTQ4", 8, 4}, AWQ4: {"AWQ4", 8, 4},
}

// dtypes are the names that safetensors headers use.
var dtypes = map[string]Type{
	"F32": F32, "F16": F16, "BF16": BF16, "F64": F64, "I8": i8, "I16": i16, "I32": i32, "I64": i64,
	"U8": u8, "U16": u16, "U32": u32, "U64": u64, "BOOL": boolean, "F8_E4M3": F8_E4M3, "F8_E5M2": F8_E5M2, "F8_E8M0": F8_E8M0,
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
