//go:build !purego

#include "textflag.h"

// AVX2, FMA and F16C forms of the operations in generic.go. Written by hand:
// each is one short loop over 8 lanes.

DATA nibble<>+0(SB)/4, $0x0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $4
DATA pairs<>+0(SB)/4, $0x30303030
GLOBL pairs<>(SB), RODATA|NOPTR, $4
DATA eight<>+0(SB)/4, $0x08080808
GLOBL eight<>(SB), RODATA|NOPTR, $4
DATA thirtytwo<>+0(SB)/4, $0x20202020
GLOBL thirtytwo<>(SB), RODATA|NOPTR, $4
DATA one<>+0(SB)/4, $0x01010101
GLOBL one<>(SB), RODATA|NOPTR, $4
DATA two<>+0(SB)/4, $0x02020202
GLOBL two<>(SB), RODATA|NOPTR, $4
DATA sixteen<>+0(SB)/4, $0x10101010
GLOBL sixteen<>(SB), RODATA|NOPTR, $4
DATA bits<>+0(SB)/8, $0x8040201008040201
GLOBL bits<>(SB), RODATA|NOPTR, $8
DATA octets<>+0(SB)/8, $0x0000000000000000
DATA octets<>+8(SB)/8, $0x0101010101010101
DATA octets<>+16(SB)/8, $0x0202020202020202
DATA octets<>+24(SB)/8, $0x0303030303030303
GLOBL octets<>(SB), RODATA|NOPTR, $32
DATA three<>+0(SB)/4, $0x03030303
GLOBL three<>(SB), RODATA|NOPTR, $4
DATA four<>+0(SB)/4, $0x04040404
GLOBL four<>(SB), RODATA|NOPTR, $4

// SUM leaves the sum of the 8 lanes of y in lane 0 of x, y's lower half.
#define SUM(y, x) \
	VEXTRACTF128 $1, y, X15   \
	VADDPS       X15, x, x    \
	VMOVHLPS     x, x, X15    \
	VADDPS       X15, x, x    \
	VMOVSHDUP    x, X15       \
	VADDSS       X15, x, x

// func dotAVX2(x, y *float32, n int) float32
TEXT ·dotAVX2(SB), NOSPLIT, $0-28
	MOVQ   x+0(FP), SI
	MOVQ   y+8(FP), DI
	MOVQ   n+16(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	SUBQ   $32, CX
	JLT    rest

loop:
	VMOVUPS     (SI), Y4
	VMOVUPS     32(SI), Y5
	VMOVUPS     64(SI), Y6
	VMOVUPS     96(SI), Y7
	VFMADD231PS (DI), Y4, Y0
	VFMADD231PS 32(DI), Y5, Y1
	VFMADD231PS 64(DI), Y6, Y2
	VFMADD231PS 96(DI), Y7, Y3
	ADDQ        $128, SI
	ADDQ        $128, DI
	SUBQ        $32, CX
	JGE         loop

rest:
	ADDQ $32, CX
	JZ   done

eights:
	VMOVUPS     (SI), Y4
	VFMADD231PS (DI), Y4, Y0
	ADDQ        $32, SI
	ADDQ        $32, DI
	SUBQ        $8, CX
	JNZ         eights

done:
	VADDPS Y1, Y0, Y0
	VADDPS Y3, Y2, Y2
	VADDPS Y2, Y0, Y0
	SUM(Y0, X0)
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

// func axpyAVX2(y *float32, a float32, x *float32, n int)
TEXT ·axpyAVX2(SB), NOSPLIT, $0-32
	MOVQ         y+0(FP), DI
	VBROADCASTSS a+8(FP), Y0
	MOVQ         x+16(FP), SI
	MOVQ         n+24(FP), CX

loop:
	VMOVUPS     (DI), Y1
	VFMADD231PS (SI), Y0, Y1
	VMOVUPS     Y1, (DI)
	ADDQ        $32, SI
	ADDQ        $32, DI
	SUBQ        $8, CX
	JNZ         loop
	VZEROUPPER
	RET

// ROW multiplies 8 values of a row at addr with those of three columns.
#define ROW(addr, a, b, c) \
	VMOVUPS     addr, Y15    \
	VFMADD231PS Y12, Y15, a  \
	VFMADD231PS Y13, Y15, b  \
	VFMADD231PS Y14, Y15, c

#define STORE(y, x, off) \
	SUM(y, x)            \
	VMOVSS x, off(AX)

// func tileAVX2(w *float32, ws int, x *float32, xs, n int, out *[4][3]float32)
TEXT ·tileAVX2(SB), NOSPLIT, $0-48
	MOVQ w+0(FP), SI
	MOVQ ws+8(FP), R8
	MOVQ x+16(FP), DI
	MOVQ xs+24(FP), R9
	MOVQ n+32(FP), CX
	MOVQ out+40(FP), AX
	SHLQ $2, R8
	SHLQ $2, R9
	LEAQ (R8)(R8*2), R10

	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11

loop:
	VMOVUPS (DI), Y12
	VMOVUPS (DI)(R9*1), Y13
	VMOVUPS (DI)(R9*2), Y14
	ROW((SI), Y0, Y1, Y2)
	ROW((SI)(R8*1), Y3, Y4, Y5)
	ROW((SI)(R8*2), Y6, Y7, Y8)
	ROW((SI)(R10*1), Y9, Y10, Y11)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JNZ     loop

	STORE(Y0, X0, 0)
	STORE(Y1, X1, 4)
	STORE(Y2, X2, 8)
	STORE(Y3, X3, 12)
	STORE(Y4, X4, 16)
	STORE(Y5, X5, 20)
	STORE(Y6, X6, 24)
	STORE(Y7, X7, 28)
	STORE(Y8, X8, 32)
	STORE(Y9, X9, 36)
	STORE(Y10, X10, 40)
	STORE(Y11, X11, 44)
	VZEROUPPER
	RET

// func unpackF16AVX2(dst *float32, src *byte, n int)
TEXT ·unpackF16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	VCVTPH2PS (SI), Y0
	VMOVUPS   Y0, (DI)
	ADDQ      $16, SI
	ADDQ      $32, DI
	SUBQ      $8, CX
	JNZ       loop
	VZEROUPPER
	RET

// func unpackBF16AVX2(dst *float32, src *byte, n int)
TEXT ·unpackBF16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	VPMOVZXWD (SI), Y0
	VPSLLD    $16, Y0, Y0
	VMOVUPS   Y0, (DI)
	ADDQ      $16, SI
	ADDQ      $32, DI
	SUBQ      $8, CX
	JNZ       loop
	VZEROUPPER
	RET

// HALF sets the 8 lanes of y, whose lower half is x, to the float16 at addr.
#define HALF(addr, x, y) \
	VPBROADCASTW addr, x \
	VCVTPH2PS    x, y

// SCALE8 stores d·q for the 8 signed bytes in the lower half of x.
#define SCALE8(x, d, y, addr) \
	VPMOVSXBD x, y    \
	VCVTDQ2PS y, y    \
	VMULPS    d, y, y \
	VMOVUPS   y, addr

// AFFINE8 stores d·q + m for the 8 bytes in the lower half of x.
#define AFFINE8(x, d, m, y, addr) \
	VPMOVZXBD   x, y    \
	VCVTDQ2PS   y, y    \
	VFMADD213PS m, d, y \
	VMOVUPS     y, addr

// func unpackQ4_0AVX2(dst *float32, src *byte, blocks int)
TEXT ·unpackQ4_0AVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         blocks+16(FP), CX
	VBROADCASTSS nibble<>(SB), X15
	VBROADCASTSS eight<>(SB), X14

loop:
	HALF((SI), X0, Y0)
	VMOVDQU 2(SI), X1
	VPSRLW  $4, X1, X2
	VPAND   X15, X1, X1
	VPAND   X15, X2, X2
	VPSUBB  X14, X1, X1
	VPSUBB  X14, X2, X2
	VPSRLDQ $8, X1, X3
	VPSRLDQ $8, X2, X4
	SCALE8(X1, Y0, Y5, (DI))
	SCALE8(X3, Y0, Y6, 32(DI))
	SCALE8(X2, Y0, Y7, 64(DI))
	SCALE8(X4, Y0, Y8, 96(DI))
	ADDQ    $18, SI
	ADDQ    $128, DI
	DECQ    CX
	JNZ     loop
	VZEROUPPER
	RET

// func unpackQ4_1AVX2(dst *float32, src *byte, blocks int)
TEXT ·unpackQ4_1AVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         blocks+16(FP), CX
	VBROADCASTSS nibble<>(SB), X15

loop:
	HALF((SI), X0, Y0)
	HALF(2(SI), X9, Y9)
	VMOVDQU 4(SI), X1
	VPSRLW  $4, X1, X2
	VPAND   X15, X1, X1
	VPAND   X15, X2, X2
	VPSRLDQ $8, X1, X3
	VPSRLDQ $8, X2, X4
	AFFINE8(X1, Y0, Y9, Y5, (DI))
	AFFINE8(X3, Y0, Y9, Y6, 32(DI))
	AFFINE8(X2, Y0, Y9, Y7, 64(DI))
	AFFINE8(X4, Y0, Y9, Y8, 96(DI))
	ADDQ    $20, SI
	ADDQ    $128, DI
	DECQ    CX
	JNZ     loop
	VZEROUPPER
	RET

// func unpackQ8_0AVX2(dst *float32, src *byte, blocks int)
TEXT ·unpackQ8_0AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX

loop:
	HALF((SI), X0, Y0)
	SCALE8(2(SI), Y0, Y1, (DI))
	SCALE8(10(SI), Y0, Y2, 32(DI))
	SCALE8(18(SI), Y0, Y3, 64(DI))
	SCALE8(26(SI), Y0, Y4, 96(DI))
	ADDQ $34, SI
	ADDQ $128, DI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// AFFINE32 stores d·q + m for the 32 bytes of y, whose lower half is x, from
// 0(DI) on, and moves DI past them. It uses Y8 to Y11.
#define AFFINE32(x, y, d, m) \
	VEXTRACTI128 $1, y, X9             \
	VPSRLDQ      $8, x, X8             \
	VPSRLDQ      $8, X9, X10           \
	AFFINE8(x, d, m, Y11, (DI))        \
	AFFINE8(X8, d, m, Y11, 32(DI))     \
	AFFINE8(X9, d, m, Y11, 64(DI))     \
	AFFINE8(X10, d, m, Y11, 96(DI))    \
	ADDQ         $128, DI

// func unpackQ4_KAVX2(dst *float32, values *byte, scales *[16]float32)
TEXT ·unpackQ4_KAVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         values+8(FP), SI
	MOVQ         scales+16(FP), DX
	MOVQ         $4, CX
	VBROADCASTSS nibble<>(SB), Y15

loop:
	VMOVDQU      (SI), Y1
	VPSRLW       $4, Y1, Y2
	VPAND        Y15, Y1, Y1
	VPAND        Y15, Y2, Y2
	VBROADCASTSS (DX), Y3
	VBROADCASTSS 32(DX), Y4
	VBROADCASTSS 4(DX), Y5
	VBROADCASTSS 36(DX), Y6
	AFFINE32(X1, Y1, Y3, Y4)
	AFFINE32(X2, Y2, Y5, Y6)
	ADDQ         $32, SI
	ADDQ         $8, DX
	DECQ         CX
	JNZ          loop
	VZEROUPPER
	RET

// func unpackQ5_KAVX2(dst *float32, values *byte, high *byte, scales *[16]float32)
//
// Run r of 64 values has its fifth bits at 2r and 2r+1 of every byte of high:
// Y7 is high moved down by 2r.
TEXT ·unpackQ5_KAVX2(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         values+8(FP), SI
	MOVQ         high+16(FP), BX
	MOVQ         scales+24(FP), DX
	MOVQ         $4, CX
	VBROADCASTSS nibble<>(SB), Y15
	VBROADCASTSS one<>(SB), Y14
	VBROADCASTSS two<>(SB), Y13
	VMOVDQU      (BX), Y7

loop:
	VMOVDQU      (SI), Y1
	VPSRLW       $4, Y1, Y2
	VPAND        Y15, Y1, Y1
	VPAND        Y15, Y2, Y2
	VPAND        Y14, Y7, Y3
	VPAND        Y13, Y7, Y4
	VPSLLW       $4, Y3, Y3
	VPSLLW       $3, Y4, Y4
	VPOR         Y3, Y1, Y1
	VPOR         Y4, Y2, Y2
	VPSRLW       $2, Y7, Y7
	VBROADCASTSS (DX), Y3
	VBROADCASTSS 32(DX), Y4
	VBROADCASTSS 4(DX), Y5
	VBROADCASTSS 36(DX), Y6
	AFFINE32(X1, Y1, Y3, Y4)
	AFFINE32(X2, Y2, Y5, Y6)
	ADDQ         $32, SI
	ADDQ         $8, DX
	DECQ         CX
	JNZ          loop
	VZEROUPPER
	RET

// func levelsAVX2(dst *float32, nibbles *byte, levels *[16]int8, d float32)
TEXT ·levelsAVX2(SB), NOSPLIT, $0-28
	MOVQ         dst+0(FP), DI
	MOVQ         nibbles+8(FP), SI
	MOVQ         levels+16(FP), DX
	VBROADCASTSS d+24(FP), Y0
	VBROADCASTSS nibble<>(SB), X15
	VMOVDQU      (DX), X14
	VMOVDQU      (SI), X1
	VPSRLW       $4, X1, X2
	VPAND        X15, X1, X1
	VPAND        X15, X2, X2
	VPSHUFB      X1, X14, X1
	VPSHUFB      X2, X14, X2
	VPSRLDQ      $8, X1, X3
	VPSRLDQ      $8, X2, X4
	SCALE8(X1, Y0, Y5, (DI))
	SCALE8(X3, Y0, Y6, 32(DI))
	SCALE8(X2, Y0, Y7, 64(DI))
	SCALE8(X4, Y0, Y8, 96(DI))
	VZEROUPPER
	RET

// SCALE32 stores the 32 signed bytes of y, whose lower half is x, times the two
// scales at off(DX), one per 16, from DI on, and moves DI past them. It uses Y8
// to Y13.
#define SCALE32(x, y, off) \
	VBROADCASTSS off(DX), Y12          \
	VBROADCASTSS off+4(DX), Y13        \
	VEXTRACTI128 $1, y, X9             \
	VPSRLDQ      $8, x, X8             \
	VPSRLDQ      $8, X9, X10           \
	SCALE8(x, Y12, Y11, (DI))          \
	SCALE8(X8, Y12, Y11, 32(DI))       \
	SCALE8(X9, Y13, Y11, 64(DI))       \
	SCALE8(X10, Y13, Y11, 96(DI))      \
	ADDQ         $128, DI

// SIX joins the low nibbles in y with the bit pairs in z and takes 32 away.
#define SIX(y, z) \
	VPAND  Y15, y, y \
	VPAND  Y14, z, z \
	VPOR   z, y, y   \
	VPSUBB Y7, y, y

// func unpackQ6_KAVX2(dst *float32, block *byte, scales *[16]float32)
TEXT ·unpackQ6_KAVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         block+8(FP), SI
	MOVQ         scales+16(FP), DX
	LEAQ         128(SI), BX
	MOVQ         $2, CX
	VBROADCASTSS nibble<>(SB), Y15
	VBROADCASTSS pairs<>(SB), Y14
	VBROADCASTSS thirtytwo<>(SB), Y7

loop:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VMOVDQU (BX), Y2
	VPSRLW  $4, Y0, Y3
	VPSRLW  $4, Y1, Y4
	VPSLLW  $4, Y2, Y5
	VPSLLW  $2, Y2, Y6
	SIX(Y0, Y5)
	SIX(Y1, Y6)
	VPSRLW  $2, Y2, Y5
	SIX(Y3, Y2)
	SIX(Y4, Y5)
	SCALE32(X0, Y0, 0)
	SCALE32(X1, Y1, 8)
	SCALE32(X3, Y3, 16)
	SCALE32(X4, Y4, 24)
	ADDQ    $64, SI
	ADDQ    $32, BX
	ADDQ    $32, DX
	DECQ    CX
	JNZ     loop
	VZEROUPPER
	RET

// func unpackQ2_KAVX2(dst *float32, pairs *byte, scales *[32]float32)
//
// Y1 is 32 bytes of pairs moved down to the run of 32 values that is next.
TEXT ·unpackQ2_KAVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         pairs+8(FP), SI
	MOVQ         scales+16(FP), DX
	MOVQ         $2, CX
	VBROADCASTSS three<>(SB), Y15

half:
	VMOVDQU (SI), Y1
	MOVQ    $4, BX

run:
	VPAND        Y15, Y1, Y2
	VPSRLW       $2, Y1, Y1
	VBROADCASTSS (DX), Y3
	VBROADCASTSS 64(DX), Y4
	VBROADCASTSS 4(DX), Y5
	VBROADCASTSS 68(DX), Y6
	VEXTRACTI128 $1, Y2, X9
	VPSRLDQ      $8, X2, X8
	VPSRLDQ      $8, X9, X10
	AFFINE8(X2, Y3, Y4, Y11, (DI))
	AFFINE8(X8, Y3, Y4, Y11, 32(DI))
	AFFINE8(X9, Y5, Y6, Y11, 64(DI))
	AFFINE8(X10, Y5, Y6, Y11, 96(DI))
	ADDQ         $128, DI
	ADDQ         $8, DX
	DECQ         BX
	JNZ          run
	ADDQ         $32, SI
	DECQ         CX
	JNZ          half
	VZEROUPPER
	RET

// func unpackQ3_KAVX2(dst *float32, block *byte, scales *[16]float32)
//
// Y1 is as in unpackQ2_KAVX2; Y7 is the third bits moved down as far.
TEXT ·unpackQ3_KAVX2(SB), NOSPLIT, $0-24
	MOVQ         dst+0(FP), DI
	MOVQ         block+8(FP), SI
	MOVQ         scales+16(FP), DX
	MOVQ         $2, CX
	VBROADCASTSS three<>(SB), Y15
	VBROADCASTSS one<>(SB), Y14
	VBROADCASTSS four<>(SB), Y6
	VMOVDQU      (SI), Y7

half:
	VMOVDQU 32(SI), Y1
	MOVQ    $4, BX

run:
	VPAND  Y15, Y1, Y2
	VPAND  Y14, Y7, Y3
	VPSLLW $2, Y3, Y3
	VPOR   Y3, Y2, Y2
	VPSUBB Y6, Y2, Y2
	VPSRLW $2, Y1, Y1
	VPSRLW $1, Y7, Y7
	SCALE32(X2, Y2, 0)
	ADDQ   $8, DX
	DECQ   BX
	JNZ    run
	ADDQ   $32, SI
	DECQ   CX
	JNZ    half
	VZEROUPPER
	RET

// FIFTH sets Y1 to 32 values of 5 bits: nibbles in 16 bytes at values, low
// halves first, and one bit of high for each. Y12 to Y15 hold constants.
#define FIFTH(high, values) \
	VPBROADCASTD high, Y3        \
	VPSHUFB      Y12, Y3, Y3     \
	VPAND        Y13, Y3, Y3     \
	VPCMPEQB     Y13, Y3, Y3     \
	VPAND        Y14, Y3, Y3     \
	VMOVDQU      values, X1      \
	VPSRLW       $4, X1, X2      \
	VINSERTI128  $1, X2, Y1, Y1  \
	VPAND        Y15, Y1, Y1     \
	VPOR         Y3, Y1, Y1

// FIFTHS loads the constants.
#define FIFTHS \
	VMOVDQU      octets<>(SB), Y12  \
	VPBROADCASTQ bits<>(SB), Y13    \
	VBROADCASTSS sixteen<>(SB), Y14 \
	VBROADCASTSS nibble<>(SB), Y15

// func unpackQ5_0AVX2(dst *float32, src *byte, blocks int)
TEXT ·unpackQ5_0AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	FIFTHS

loop:
	HALF((SI), X0, Y0)
	FIFTH(2(SI), 6(SI))
	VPSUBB       Y14, Y1, Y1
	VEXTRACTI128 $1, Y1, X9
	VPSRLDQ      $8, X1, X8
	VPSRLDQ      $8, X9, X10
	SCALE8(X1, Y0, Y5, (DI))
	SCALE8(X8, Y0, Y6, 32(DI))
	SCALE8(X9, Y0, Y7, 64(DI))
	SCALE8(X10, Y0, Y5, 96(DI))
	ADDQ         $22, SI
	ADDQ         $128, DI
	DECQ         CX
	JNZ          loop
	VZEROUPPER
	RET

// func unpackQ5_1AVX2(dst *float32, src *byte, blocks int)
TEXT ·unpackQ5_1AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	FIFTHS

loop:
	HALF((SI), X0, Y0)
	HALF(2(SI), X6, Y6)
	FIFTH(4(SI), 8(SI))
	AFFINE32(X1, Y1, Y0, Y6)
	ADDQ $24, SI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
