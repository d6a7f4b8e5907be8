/**
 * What text becomes in front of a network: cleaned, cut into tokens, tokens into ids.
 *
 * <p>Main types: {@link io.sluice.sequences.text.encoding.TextContract} is what a dataset and a
 * model bundle record, {@link io.sluice.sequences.text.encoding.TextEncoder} obeys it, {@link
 * io.sluice.sequences.text.encoding.Vocabulary} knows the ids.
 *
 * <p>Depends on ICU4J (boundaries, normalisation and case of all scripts), jsoup (HTML), Hugging
 * Face's tokenizers by DJL (subwords) and Jackson; on neither Spark nor Hadoop nor Parquet: a model
 * bundle encodes text in a plain JVM through these classes, and the job on executors through the
 * same.
 *
 * <p>The decision worth knowing: characters are classed, normalised and lower-cased by ICU4J, not
 * by the JDK, whose Unicode version changes with the JVM: a bundle reads a text tomorrow as its
 * dataset was read. ICU's word boundaries come with dictionaries for Chinese, Japanese, Thai, Lao,
 * Khmer and Burmese, which are written without blanks.
 *
 * <p>Subwords run native code. DJL unpacks it from its jar into {@code ~/.djl.ai} ({@code
 * DJL_CACHE_DIR} moves it) and may look for updates and report its use: both are switched off
 * before it is first called. A process can load it through one class loader. DJL's binding encodes
 * and decodes and cannot train: a tokenizer is trained elsewhere, by Hugging Face's tokenizers for
 * example, on the train split, and given as the {@code tokenizer.json} that they save.
 *
 * <p><b>Considered:</b> SentencePiece by DJL is not on Maven Central at DJL's current version;
 * JTokkit knows the vocabularies of one vendor. Spark ML's {@code Tokenizer} and {@code
 * RegexTokenizer} split at blanks or by one expression, which leaves a Chinese sentence whole, and
 * {@code CountVectorizer} fixes no order among equal counts; none of them runs without Spark.
 */
package io.sluice.sequences.text.encoding;
