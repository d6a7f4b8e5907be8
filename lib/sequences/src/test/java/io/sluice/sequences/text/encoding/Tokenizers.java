package io.sluice.sequences.text.encoding;

/** Tokenizers for tests. */
public final class Tokenizers {
  private Tokenizers() {}

  /** A WordPiece of seven pieces: [UNK] un ##want ##ed run ##ning and a comma. */
  public static String wordPiece() {
    return TokeniserTest.WORD_PIECE;
  }

  /**
   * A BPE of bytes as GPT-2 writes them, Ġ for a blank, Ã© for é, and with a pad: 18 pieces, none
   * of which is for what it does not know.
   */
  public static String byteLevelBpe() {
    return """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":0,"content":"<pad>","single_word":false,"lstrip":false,"rstrip":false,
                          "normalized":false,"special":true}],
         "normalizer":null,
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
         "post_processor":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":true},
         "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
         "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,
                  "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,
                  "vocab":{"<pad>":0,"r":1,"u":2,"n":3,"i":4,"g":5,"s":6,"Ġ":7,"Ã":8,"©":9,"Ċ":10,
                           "ru":11,"run":12,"in":13,"ing":14,"Ġrun":15,"Ã©":16,"<":17},
                  "merges":["r u","ru n","i n","in g","Ġ run","Ã ©"]}}
        """;
  }

  /** A Unigram as SentencePiece makes it, ▁ for a blank: six pieces, the first for the unknown. */
  public static String unigram() {
    return """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":0,"content":"<unk>","single_word":false,"lstrip":false,"rstrip":false,
                          "normalized":false,"special":true}],
         "normalizer":null,
         "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
         "post_processor":null,
         "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
         "model":{"type":"Unigram","unk_id":0,"byte_fallback":false,
                  "vocab":[["<unk>",0.0],["▁run",-2.0],["n",-3.0],["ing",-2.5],["▁",-3.5],["s",-3.0]]}}
        """;
  }
}
