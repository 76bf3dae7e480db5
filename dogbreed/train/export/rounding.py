"""Round the weights of a convolution to 7 bits so that its output changes least."""

import numpy as np
import scipy.linalg

from dogbreed.train.export.seven_bits import SEVEN_BITS

# Shares of a filter's largest weight that may become its largest whole number.
_CLIPS = np.linspace(0.6, 1, 9, dtype=np.float32)
# Added to the diagonal of the inputs' second moments, relative to its mean.
_DAMPING = 0.01
# Weights whose errors are passed on together.
_BLOCK = 128


def round_weights(kernel: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """Round a kernel to 7 bits: whole numbers in -63..63 and one scale for each filter.

    One weight of all filters is rounded after the other, and the weights that follow make up for
    the error in the output (optimal brain quantization, in the order and with the factorization of
    GPTQ: Frantar et al. 2023, arXiv:2210.17323). With fewer inputs than weights each weight is
    rounded to the nearest instead. The scale is the one of least squared error of the
    weights among some that cut off the largest ones.

    Args:
        kernel: float32 array of shape (height, width, channels, filters).
        patches: float array of shape (N, height × width × channels), inputs that the convolution
            sees.

    Returns:
        float32 array of the shape of `kernel`.
    """
    weights = kernel.reshape(-1, kernel.shape[-1]).astype(np.float64)
    scales = _scales(weights)
    if len(patches) < len(weights):
        # They do not show what all weights do.
        return nearest(weights, scales).reshape(kernel.shape).astype(np.float32)
    moments = patches.T.astype(np.float64) @ patches
    diagonal = np.diag(moments).copy()
    moments[np.diag_indices_from(moments)] += _DAMPING * diagonal.mean() + 1e-12
    # The inputs that matter most first, while there are many weights left to make up for them.
    order = np.argsort(-diagonal, kind="stable")
    back = np.argsort(order)
    factor = _factor_of_inverse(moments[np.ix_(order, order)])
    rounded = _round_in_order(weights[order], scales, factor)
    return rounded[back].reshape(kernel.shape).astype(np.float32)


def nearest(weights: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Round weights to the nearest whole numbers of their scales, in -63..63."""
    return np.clip(np.round(weights / scales), -SEVEN_BITS, SEVEN_BITS) * scales


def _round_in_order(weights: np.ndarray, scales: np.ndarray, factor: np.ndarray) -> np.ndarray:
    weights, rounded = weights.copy(), np.empty_like(weights)
    for begin in range(0, len(weights), _BLOCK):
        end = min(begin + _BLOCK, len(weights))
        errors = np.empty((end - begin, weights.shape[1]))
        for row in range(begin, end):
            rounded[row] = nearest(weights[row], scales)
            error = (weights[row] - rounded[row]) / factor[row, row]
            weights[row + 1 : end] -= np.outer(factor[row, row + 1 : end], error)
            errors[row - begin] = error
        weights[end:] -= factor[begin:end, end:].T @ errors
    return rounded


def _factor_of_inverse(moments: np.ndarray) -> np.ndarray:
    """Return the upper triangular R with RᵀR = moments⁻¹, without computing the inverse.

    Cholesky's factor of the reversed matrix gives moments = V Vᵀ with V upper triangular; R = V⁻¹.
    """
    upper = scipy.linalg.cholesky(moments[::-1, ::-1], lower=True)[::-1, ::-1]
    factor, _ = scipy.linalg.lapack.dtrtri(upper)
    return factor


def _scales(weights: np.ndarray) -> np.ndarray:
    """Return the scale of each filter."""
    largest = np.abs(weights).max(axis=0)
    largest[largest == 0] = 1
    tried = np.outer(_CLIPS, largest / SEVEN_BITS)
    errors = [np.square(nearest(weights, scales) - weights).sum(axis=0) for scales in tried]
    return np.take_along_axis(tried, np.argmin(errors, axis=0)[None], axis=0)[0]
