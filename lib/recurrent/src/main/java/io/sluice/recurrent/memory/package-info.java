/**
 * Planning of memory: what training of a network takes off the Java heap, before it is taken.
 *
 * <p>Main type: {@link io.sluice.recurrent.memory.TrainingMemory}, which plans a {@link
 * io.sluice.recurrent.memory.NativeMemory}.
 *
 * <p>Depends on {@code recurrent.model} for the network's description and on {@code
 * recurrent.kernel} for what its kernels hold.
 */
package io.sluice.recurrent.memory;
