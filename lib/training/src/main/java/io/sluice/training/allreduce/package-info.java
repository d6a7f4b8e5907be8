/**
 * All-reduce: the sum of an array over all ranks, on every rank, the same to the bit.
 *
 * <p>Main type: {@link io.sluice.training.allreduce.AllReduce}. A {@link
 * io.sluice.training.allreduce.Rendezvous} brings the ranks together, {@link
 * io.sluice.training.allreduce.AllReduceSettings} says how numbers travel, a {@link
 * io.sluice.training.allreduce.PeerLostException} whose failure ended it.
 *
 * <p>Depends on {@code training.transport}.
 */
package io.sluice.training.allreduce;
