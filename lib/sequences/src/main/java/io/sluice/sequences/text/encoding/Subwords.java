package io.sluice.sequences.text.encoding;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.util.Utils;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.OperationFailedException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Pieces by a {@code tokenizer.json}: BPE, WordPiece, Unigram or WordLevel. */
final class Subwords implements Segmenter, AutoCloseable {
  /** Of a file that nobody names: it came with a dataset or a bundle. */
  private static final String UNNAMED = "The tokenizer";

  private final HuggingFaceTokenizer tokenizer;
  private final Map<Integer, String> tokens;
  private final Map<String, Integer> ids = new HashMap<>();

  /**
   * @param tokenizerJson the file's text
   */
  Subwords(String tokenizerJson) {
    this(tokenizerJson, UNNAMED);
  }

  /**
   * @param tokenizerJson the file's text
   * @param where the file, for messages
   */
  Subwords(String tokenizerJson, String where) {
    keepToItself();
    tokens = new HashMap<>(tokens(tokenizerJson, where));
    tokens.forEach((id, token) -> ids.put(token, id));
    loadLibrary();
    try {
      tokenizer =
          HuggingFaceTokenizer.newInstance(
              new ByteArrayInputStream(tokenizerJson.getBytes(StandardCharsets.UTF_8)),
              // a map of its own: DJL adds to it
              new HashMap<>(
                  Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false")));
    } catch (IOException | RuntimeException e) {
      throw refusal(where, e.getMessage(), e);
    }
  }

  /** Here, and not with the first tokenizer: what fails is then no fault of a file. */
  private static void loadLibrary() {
    try {
      LibUtils.checkStatus();
    } catch (RuntimeException | LinkageError e) {
      throw libraryFailure(e);
    }
  }

  /**
   * What DJL's failure to load its library means to a user: a fault of the machine.
   *
   * @param failure DJL's EngineException where it found or unpacked none; an UnsatisfiedLinkError
   *     where the system refused it, and a NoClassDefFoundError whenever it is asked for again
   */
  static OperationFailedException libraryFailure(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return new OperationFailedException(
        "Cannot load the native library of Hugging Face's tokenizers (text.tokens = subword) on %s %s: %s. DJL unpacks it into %s, and has one for Linux with glibc 2.34 or newer on x86_64 and aarch64, macOS on aarch64 and Windows on x86_64. Where the system is one of these, set DJL_CACHE_DIR to a folder, on driver and executors, that this user may write and run programs in; else run there, or choose other text.tokens."
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.arch"),
                String.valueOf(root.getMessage()).replaceFirst("[.\\s]+$", ""),
                Utils.getEngineCacheDir("tokenizers")),
        failure);
  }

  /** DJL looks for libraries on the network and reports its use, unless it is told not to. */
  private static void keepToItself() {
    for (String property : new String[] {"ai.djl.offline", "OPT_OUT_TRACKING"}) {
      if (System.getProperty(property) == null) {
        System.setProperty(property, "true");
      }
    }
  }

  /**
   * By id: a Unigram gives what it does not know the id of its unknown token, and hands it over as
   * it is written, a sentence of another script as one piece.
   */
  @Override
  public void segment(String text, Consumer<String> pieces) {
    for (long id : tokenizer.encode(text, false, false).getIds()) {
      pieces.accept(tokens.get((int) id));
    }
  }

  /** A token that the tokenizer does not have stands by itself. */
  @Override
  public String join(List<String> tokens) {
    var text = new StringBuilder();
    var run = new ArrayList<Long>();
    for (String token : tokens) {
      Integer id = ids.get(token);
      if (id == null) {
        flush(run, text);
        text.append(text.length() == 0 ? "" : " ").append(token);
      } else {
        run.add((long) id);
      }
    }
    flush(run, text);
    return text.toString();
  }

  private void flush(List<Long> run, StringBuilder text) {
    if (!run.isEmpty()) {
      // also special ones, or an unknown token would be none
      String words = tokenizer.decode(run.stream().mapToLong(Long::longValue).toArray(), false);
      boolean needsBlank = text.length() > 0 && !words.startsWith(" ");
      text.append(needsBlank ? " " : "").append(words);
      run.clear();
    }
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  /** Tokens of a {@code tokenizer.json} by id, its added ones included. */
  static TreeMap<Integer, String> tokens(String tokenizerJson) {
    return tokens(tokenizerJson, UNNAMED);
  }

  private static TreeMap<Integer, String> tokens(String tokenizerJson, String where) {
    JsonNode root = tree(tokenizerJson, where);
    JsonNode vocabulary = root.path("model").path("vocab");
    var tokens = new TreeMap<Integer, String>();
    if (vocabulary.isObject()) {
      vocabulary.fields().forEachRemaining(e -> tokens.put(e.getValue().asInt(), e.getKey()));
    } else {
      for (int id = 0; id < vocabulary.size(); id++) {
        tokens.put(id, vocabulary.get(id).path(0).asText()); // Unigram: [token, score]
      }
    }
    root.path("added_tokens")
        .forEach(t -> tokens.put(t.path("id").asInt(), t.path("content").asText()));
    if (tokens.isEmpty()) {
      throw refusal(where, "it has no model.vocab", null);
    }
    return tokens;
  }

  /** The token for what the tokenizer does not know; null if there is no such thing. */
  static String unknown(String tokenizerJson) {
    JsonNode model = tree(tokenizerJson, UNNAMED).path("model");
    JsonNode id = model.path("unk_id");
    return id.isInt()
        ? tokens(tokenizerJson).get(id.asInt())
        : model.path("unk_token").asText(null);
  }

  private static JsonNode tree(String tokenizerJson, String where) {
    try {
      return new ObjectMapper().readTree(tokenizerJson);
    } catch (JsonProcessingException e) {
      throw refusal(where, "it is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static InvalidInputException refusal(String where, String reason, Exception cause) {
    return new InvalidInputException(
        "%s cannot be read: %s. Give text.tokenizer-path a tokenizer.json as Hugging Face's tokenizers write it."
            .formatted(where, reason),
        cause);
  }
}
