// Between float32 and 16 bits. Compiled when the first stack that stores 16 bits is made, for the
// device at hand; needs no headers.

// bfloat16 is the upper half of a float32: round to nearest, ties to even; NaN stays NaN.
__device__ unsigned short to_bf16(float value) {
  unsigned int bits = __float_as_uint(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return (unsigned short)((bits >> 16) | 0x40u);
  }
  return (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ float from_bf16(unsigned short bits) {
  return __uint_as_float(((unsigned int)bits) << 16);
}

__device__ unsigned short to_f16(float value) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

__device__ float from_f16(unsigned short bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

__device__ bool finite(float value) {
  return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u;
}

// n elements of in, times scale, to out; spoiled, if there is one, becomes 1 if an element of in is
// not finite
#define EACH(n, k)                                                                       \
  for (long long k = blockIdx.x * (long long)blockDim.x + threadIdx.x; k < n;            \
       k += (long long)gridDim.x * blockDim.x)

#define CONVERSIONS(type)                                                                \
  extern "C" __global__ void narrow_##type(                                              \
      long long n, const float *in, unsigned short *out, float scale, int *spoiled) {    \
    EACH(n, k) out[k] = to_##type(in[k] * scale);                                        \
  }                                                                                      \
  extern "C" __global__ void widen_##type(                                               \
      long long n, const unsigned short *in, float *out, float scale, int *spoiled) {    \
    EACH(n, k) {                                                                         \
      float value = from_##type(in[k]);                                                  \
      if (spoiled && !finite(value)) *spoiled = 1;                                                   \
      out[k] = value * scale;                                                            \
    }                                                                                    \
  }                                                                                      \
  extern "C" __global__ void add_##type(                                                 \
      long long n, const unsigned short *in, float *out, float scale, int *spoiled) {    \
    EACH(n, k) {                                                                         \
      float value = from_##type(in[k]);                                                  \
      if (spoiled && !finite(value)) *spoiled = 1;                                                   \
      out[k] += value * scale;                                                           \
    }                                                                                    \
  }

CONVERSIONS(bf16)
CONVERSIONS(f16)
