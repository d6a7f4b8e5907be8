package io.sluice.recurrent.kernel;

import org.bytedeco.javacpp.Pointer;

/**
 * State of a layer between two time steps, or its gradient.
 *
 * @param h (B, H) hidden state
 * @param c (B, H) cell state; null in cells without one
 */
public record State(Pointer h, Pointer c) {}
