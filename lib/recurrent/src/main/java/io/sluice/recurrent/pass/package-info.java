/**
 * What a layer may know of the training pass it is part of: which examples its rows are, which step
 * it is, and whom to tell how far back the pass has come.
 *
 * <p>Main type: {@link io.sluice.recurrent.pass.TrainingPass}, bound to the thread that computes,
 * because DL4J's calls have no place for it. {@code recurrent.optim} begins one for each piece of a
 * batch; layers and dropout read it. Depends on nothing.
 */
package io.sluice.recurrent.pass;
