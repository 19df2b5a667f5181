// SPDX-License-Identifier: Apache-2.0
// The matrices of F(4x4, 5x5) and of the filtering by 4x4 tiles that gives the
// weight's gradient, for the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity:
// Vandermonde matrices and their inverse, rows scaled so that B^T, which both
// share, holds small numbers. Source: Lavin and Gray 2016, section 4.
#pragma once

namespace tributary::torch_internal::winograd {

constexpr int kKernel = 5;
constexpr int kTile = 4;                     // outputs of a tile, each way
constexpr int kSpan = kTile + kKernel - 1;   // its inputs
constexpr int kPoints = kSpan * kSpan;       // products for it
constexpr int kBorder = kKernel / 2;

template <int kOut, int kIn>
struct Matrix {
  float at[kOut][kIn];
};

// B^T; G for kernels; A^T for outputs; for the weight's gradient, which is
// filtered by tiles of dy, their G and A^T.
constexpr Matrix<kSpan, kSpan> kInputs = {
    {{-1, 0, 21.0f / 4, 0, -21.0f / 4, 0, 1, 0},
     {0, 1, 1, -17.0f / 4, -17.0f / 4, 1, 1, 0},
     {0, -1, 1, 17.0f / 4, -17.0f / 4, -1, 1, 0},
     {0, 0.5f, 0.25f, -2.5f, -1.25f, 2, 1, 0},
     {0, -0.5f, 0.25f, 2.5f, -1.25f, -2, 1, 0},
     {0, 2, 4, -2.5f, -5, 0.5f, 1, 0},
     {0, -2, 4, 2.5f, -5, -0.5f, 1, 0},
     {0, -1, 0, 21.0f / 4, 0, -21.0f / 4, 0, 1}}};
constexpr Matrix<kSpan, kKernel> kKernels = {
    {{-1, 0, 0, 0, 0},
     {-2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9},
     {-2.0f / 9, 2.0f / 9, -2.0f / 9, 2.0f / 9, -2.0f / 9},
     {1.0f / 90, 1.0f / 45, 2.0f / 45, 4.0f / 45, 8.0f / 45},
     {1.0f / 90, -1.0f / 45, 2.0f / 45, -4.0f / 45, 8.0f / 45},
     {32.0f / 45, 16.0f / 45, 8.0f / 45, 4.0f / 45, 2.0f / 45},
     {32.0f / 45, -16.0f / 45, 8.0f / 45, -4.0f / 45, 2.0f / 45},
     {0, 0, 0, 0, 1}}};
constexpr Matrix<kTile, kSpan> kOutputs = {
    {{1, 1, 1, 1, 1, 1, 1, 0},
     {0, 1, -1, 2, -2, 0.5f, -0.5f, 0},
     {0, 1, 1, 4, 4, 0.25f, 0.25f, 0},
     {0, 1, -1, 8, -8, 0.125f, -0.125f, 1}}};
constexpr Matrix<kSpan, kTile> kGradients = {
    {{-1, 0, 0, 0},
     {-2.0f / 9, -2.0f / 9, -2.0f / 9, -2.0f / 9},
     {-2.0f / 9, 2.0f / 9, -2.0f / 9, 2.0f / 9},
     {1.0f / 90, 1.0f / 45, 2.0f / 45, 4.0f / 45},
     {1.0f / 90, -1.0f / 45, 2.0f / 45, -4.0f / 45},
     {32.0f / 45, 16.0f / 45, 8.0f / 45, 4.0f / 45},
     {32.0f / 45, -16.0f / 45, 8.0f / 45, -4.0f / 45},
     {0, 0, 0, 1}}};
constexpr Matrix<kKernel, kSpan> kWeightGradients = {
    {{1, 1, 1, 1, 1, 1, 1, 0},
     {0, 1, -1, 2, -2, 0.5f, -0.5f, 0},
     {0, 1, 1, 4, 4, 0.25f, 0.25f, 0},
     {0, 1, -1, 8, -8, 0.125f, -0.125f, 0},
     {0, 1, 1, 16, 16, 1.0f / 16, 1.0f / 16, 1}}};

}  // namespace tributary::torch_internal::winograd
