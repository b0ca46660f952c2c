"""How a file is opened as footage: as itself alone, never as a list of other files or addresses.

A playlist can bear any name. ffmpeg recognises it by its text, and would open
whatever it names: files of this machine as well as addresses.
"""

from __future__ import annotations

PROTOCOLS = "file,crypto,data"
"""What a file may be read through: the disk, and what lies inside the file itself."""

LISTS = frozenset(
    {"applehttp", "concat", "dash", "hls", "imf", "rtp", "rtsp", "sap", "sdp", "vobsub", "webm_dash_manifest"}
)
"""Formats of ffmpeg that are lists: what they show lies in other files, or at addresses."""

_FORMATS = (
    "3dostr 3g2 3gp 4xm aa aac aax ac3 ace acm act adf adp ads adx aea afc aiff aix alaw alias_pix alp "
    "alsa amr amrnb amrwb anm apac apc ape apm apng aptx aptx_hd aqtitle argo_asf argo_brp argo_cvg asf "
    "asf_o ass ast au av1 avi avr avs avs2 avs3 bethsoftvid bfi bfstm bin bink binka bit bitpacked "
    "bmp_pipe bmv boa bonk brender_pix brstm c93 caf cavsvideo cdg cdxl cine codec2 codec2raw cri_pipe "
    "data daud dcstr dds_pipe derf dfa dfpwm dhav dirac dnxhd dpx_pipe dsf dsicin dss dts dtshd dtsuhd dv "
    "dvbsub dvbtxt dxa ea ea_cdata eac3 epaf evc exr_pipe f32be f32le f64be f64le ffmetadata film_cpk "
    "filmstrip fits flac flic flv frm fsb fwse g722 g723_1 g726 g726le g729 gdv gem_pipe genh gif "
    "gif_pipe gsm gxf h261 h263 h264 hca hcom hdr_pipe hevc hnm hxvs iamf ico idcin idf iff ifv ilbc "
    "image2 image2pipe ingenient ipmovie ipu ircam iss iv8 ivf ivr j2k_pipe jacosub jpeg_pipe jpegls_pipe "
    "jpegxl_anim jpegxl_pipe jv kux kvag laf lc3 live_flv lmlm4 loas lrc luodat lvf lxf m4a m4v matroska "
    "mca mcc mgsts microdvd mj2 mjpeg mjpeg_2000 mlp mlv mm mmf mods moflex mov mp3 mp4 mpc mpc8 mpeg "
    "mpegts mpegtsraw mpegvideo mpjpeg mpl2 mpsub msf msnwctcp msp mtaf mtv mulaw musx mv mvi mxf mxg nc "
    "nistsphere nsp nsv nut nuv obu ogg oma osq oss paf pam_pipe pbm_pipe pcx_pipe pfm_pipe pgm_pipe "
    "pgmyuv_pipe pgx_pipe phm_pipe photocd_pipe pictor_pipe pjs pmp png_pipe pp_bnk ppm_pipe psd_pipe "
    "psxstr pva pvf qcp qdraw_pipe qoa qoi_pipe r3d rawvideo rcwt realtext redspark rka rl2 rm roq rpl "
    "rsd rso s16be s16le s24be s24le s32be s32le s337m s8 sami sbc sbg scc scd sdns sdr2 sds sdx ser sga "
    "sgi_pipe shn siff simbiosis_imx sln smjpeg smk smush sol sox spdif srt stl subviewer subviewer1 "
    "sunrast_pipe sup svag svg_pipe svs swf tak tedcaptions thp tiertexseq tiff_pipe tmv truehd tta tty "
    "txd ty u16be u16le u24be u24le u32be u32le u8 usm v210 v210x vag vbn_pipe vc1 vc1test vidc vividas "
    "vivo vmd voc vpk vplayer vqf vvc w64 wady wav wavarc wc3movie webm webp_pipe webvtt wsaud wsd wsvqa "
    "wtv wv wve xa xbin xbm_pipe xmd xmv xpm_pipe xvag xwd_pipe xwma yop yuv4mpegpipe"
)
"""Every format of ffmpeg 5.1 to 7.1 that is read from one file; from ``ffprobe -demuxers``."""


def as_itself(formats: str) -> list[str]:
    """Options before an input that keep ffmpeg to the file itself.

    Args:
        formats: what the file was found to be, as :attr:`engine.media.facts.MediaFacts.container`: it is
            read as that or not at all. Empty leaves the format open.
    """
    allowed = ["-format_whitelist", formats] if formats else []
    return ["-protocol_whitelist", PROTOCOLS, *allowed]


def as_anything_but_a_list() -> list[str]:
    """The same for a file of which nothing is known yet: every format of a single file."""
    return as_itself(_FORMATS.replace(" ", ","))
