/**
 * Which tokens of a document its class hangs on: attention weights, and occlusion beside them.
 *
 * <p>Main types: {@link io.sluice.scoring.explanation.Explainer} weighs the tokens of a document,
 * {@link io.sluice.scoring.explanation.Negations} knows the tokens that deny. Depends on the bundle
 * and its predictor, not on a dataset or a session.
 *
 * <p>The decision worth knowing: attention is never shown alone. It says where the last layer
 * looked, in states that have read their neighbours, and need not say what the class depends on
 * (Jain and Wallace, "Attention is not explanation", NAACL 2019). Occlusion asks the model: it
 * takes a token away and reads the probability. The two are kept side by side, with their rank
 * correlation.
 *
 * <p><b>Considered:</b> integrated gradients on the rows of the embedding, 20 to 300 passes forward
 * and back a document (Sundararajan, Taly and Yan, ICML 2017) where occlusion takes one forward a
 * token. They integrate from a document of zeros, which is no document, and say nothing that can be
 * tried out. A probability without a word can be.
 */
package io.sluice.scoring.explanation;
