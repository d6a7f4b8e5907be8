package io.sluice.sequences.text.encoding;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tokens and their ids, 0 … V − 1. A file of JSON lines, {@code
 * {"id":4,"token":"the","count":336749}}, in order of id; {@code count} is of the train split.
 */
public final class Vocabulary implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Beside {@code manifest.json}. */
  public static final String FILE_NAME = "vocabulary.jsonl";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The tokens that are not words. Null where there is none. */
  public record Special(String pad, String unknown, String lineEnd) implements Serializable {
    /** In order of id. */
    List<String> tokens() {
      var tokens = new ArrayList<String>();
      for (String token : new String[] {pad, unknown, lineEnd}) {
        if (token != null) {
          tokens.add(token);
        }
      }
      return tokens;
    }
  }

  private final String[] tokens;
  private final long[] counts;
  private final Special special;
  private transient volatile Map<String, Integer> ids;

  private Vocabulary(List<String> tokens, List<Long> counts, Special special) {
    this.tokens = tokens.toArray(String[]::new);
    this.counts = counts.stream().mapToLong(Long::longValue).toArray();
    this.special = special;
  }

  /**
   * Special tokens first, then the counted ones as they come.
   *
   * @param counted tokens in order of id with their counts; a special one among them gives its
   *     count to the special token
   */
  public static Vocabulary of(Special special, Map<String, Long> counted) {
    var all = new LinkedHashMap<String, Long>();
    special.tokens().forEach(token -> all.put(token, 0L));
    counted.forEach((token, count) -> all.merge(token, count, Long::sum));
    return new Vocabulary(List.copyOf(all.keySet()), List.copyOf(all.values()), special);
  }

  /**
   * The vocabulary of a {@code tokenizer.json}; special tokens that it lacks get the next ids.
   *
   * @param special its unknown token is the tokenizer's own where it has one
   * @param counted tokens of the train split; a pad that is written there is an unknown word
   */
  public static Vocabulary ofTokenizer(
      String tokenizerJson, Special special, Map<String, Long> counted) {
    var own = Subwords.tokens(tokenizerJson);
    if (own.firstKey() != 0 || own.lastKey() != own.size() - 1) {
      throw new InvalidInputException(
          "The ids of the tokenizer are not 0 to %d without a gap (%d tokens, largest id %d). Give text.tokenizer-path another tokenizer.json."
              .formatted(own.size() - 1, own.size(), own.lastKey()));
    }
    String ownUnknown = Subwords.unknown(tokenizerJson);
    var all =
        new Special(
            special.pad(), ownUnknown == null ? special.unknown() : ownUnknown, special.lineEnd());
    var tokens = new LinkedHashMap<String, Long>();
    own.values().forEach(token -> tokens.put(token, counted.getOrDefault(token, 0L)));
    all.tokens().forEach(token -> tokens.putIfAbsent(token, counted.getOrDefault(token, 0L)));
    if (all.pad() != null) {
      tokens.put(all.pad(), 0L);
    }
    return new Vocabulary(List.copyOf(tokens.keySet()), List.copyOf(tokens.values()), all);
  }

  /** The special tokens that a vocabulary over a {@code tokenizer.json} has. */
  public static String unknownOfTokenizer(String tokenizerJson, String otherwise) {
    String own = Subwords.unknown(tokenizerJson);
    return own == null ? otherwise : own;
  }

  /**
   * Reads a file's text.
   *
   * @param where the file, for messages
   * @param advice what to do where it cannot be read
   */
  public static Vocabulary parse(String text, Special special, String where, String advice) {
    var tokens = new ArrayList<String>();
    var lines = new HashMap<String, Integer>();
    var counts = new ArrayList<Long>();
    for (String line : text.lines().toList()) {
      JsonNode entry;
      try {
        entry = JSON.readTree(line);
      } catch (JsonProcessingException e) {
        throw refusal(where, tokens.size() + 1, "is not JSON", advice, e);
      }
      if (entry.path("id").asInt(-1) != tokens.size()
          || !entry.path("token").isTextual()
          || !entry.path("count").isIntegralNumber()) {
        String problem = "is not the entry of id " + tokens.size();
        throw refusal(where, tokens.size() + 1, problem, advice, null);
      }
      tokens.add(entry.get("token").asText());
      Integer first = lines.putIfAbsent(entry.get("token").asText(), tokens.size());
      if (first != null) {
        String problem = "has the token %s, as line %d has".formatted(entry.get("token"), first);
        throw refusal(where, tokens.size(), problem, advice, null);
      }
      counts.add(entry.get("count").asLong());
    }
    for (String token : special.tokens()) {
      if (!tokens.contains(token)) {
        throw new InvalidInputException(
            "%s has no token %s (%d tokens). Give a vocabulary with it, or name its own special tokens in text.vocabulary."
                .formatted(where, token, tokens.size()));
      }
    }
    return new Vocabulary(tokens, counts, special);
  }

  private static InvalidInputException refusal(
      String where, int line, String problem, String advice, Exception cause) {
    return new InvalidInputException(
        "%s cannot be read: line %d %s. %s".formatted(where, line, problem, advice), cause);
  }

  /** V. */
  public int size() {
    return tokens.length;
  }

  /** The id of a token; that of the unknown token for what is not here, and for a written pad. */
  public int id(String token) {
    Integer id = ids().get(token);
    return id == null ? unknownId() : id;
  }

  /** Whether a token has an id of its own. */
  public boolean has(String token) {
    return ids().containsKey(token);
  }

  public String token(int id) {
    return tokens[id];
  }

  /** Occurrences in the train split that the vocabulary was made of. */
  public long count(int id) {
    return counts[id];
  }

  public Special special() {
    return special;
  }

  /** Null for a stream. */
  public Integer padId() {
    return special.pad() == null ? null : List.of(tokens).indexOf(special.pad());
  }

  public int unknownId() {
    return ids().get(special.unknown());
  }

  /** Null where lines have no end of their own. */
  public Integer lineEndId() {
    return special.lineEnd() == null ? null : ids().get(special.lineEnd());
  }

  /** The file. Equal vocabularies give equal bytes. */
  public String toText() {
    var text = new StringBuilder();
    for (int id = 0; id < tokens.length; id++) {
      ObjectNode entry = JSON.createObjectNode();
      entry.put("id", id).put("token", tokens[id]).put("count", counts[id]);
      text.append(entry).append('\n');
    }
    return text.toString();
  }

  /** SHA-256 of the file, in hex. */
  public String hash() {
    return Provenance.sha256(toText());
  }

  /** Made by whoever asks first, again where it was deserialised; the same for all. */
  private Map<String, Integer> ids() {
    Map<String, Integer> all = ids;
    if (all == null) {
      all = new HashMap<>(2 * tokens.length);
      for (int id = 0; id < tokens.length; id++) {
        // the pad is no token of a text: one that is written there is an unknown word
        if (!tokens[id].equals(special.pad())) {
          all.put(tokens[id], id);
        }
      }
      ids = all;
    }
    return all;
  }
}
