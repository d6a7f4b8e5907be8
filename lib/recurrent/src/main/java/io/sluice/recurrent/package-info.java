/**
 * Everything numeric that is recurrent; no Spark.
 *
 * <p>Main type here: {@link io.sluice.recurrent.NativeThreads}. {@code recurrent.kernel} computes
 * recurrences over raw memory, {@code recurrent.layer} makes DL4J layers of them, {@code
 * recurrent.model} says what a network is and makes it, {@code recurrent.optim} how its parameters
 * move, {@code recurrent.loss} what it is trained on.
 */
package io.sluice.recurrent;
