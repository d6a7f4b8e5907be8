/**
 * How long work shows that it moves: a bar on a terminal, a line now and then elsewhere, always on
 * standard error and always with the time left.
 *
 * <p>Main type: {@link io.sluice.config.progress.Progress}. Depends on the JDK.
 *
 * <p><b>Considered:</b> the progressbar library. It draws a fixed layout (bar, counts, rate) that a
 * training line (loss, norm, learning rate) does not fit into, has no line-now-and-then form for
 * logs, and brings a terminal library of a megabyte for what is one carriage return.
 */
package io.sluice.config.progress;
