/**
 * Everything numeric that is recurrent; no Spark.
 *
 * <p>Main type here: {@link io.sluice.recurrent.NativeThreads}. {@code recurrent.kernel} computes
 * recurrences over raw memory, {@code recurrent.layer} makes DL4J layers of them, {@code
 * recurrent.head} has the layers that follow them, {@code recurrent.model} says what a network is
 * and makes it, {@code recurrent.memory} plans what training takes, {@code recurrent.optim} says
 * how parameters move, {@code recurrent.loss} what a network is trained on, {@code
 * recurrent.dropout} what is dropped while it is; {@code recurrent.pass} tells layers of the pass
 * that runs.
 */
package io.sluice.recurrent;
