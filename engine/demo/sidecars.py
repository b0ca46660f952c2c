"""The small files that a camera writes beside its clips, for the cards of the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

_SONY_MODEL = "ILCE-7SM3"
_SONY_SERIAL = "04211337"
_CANON_MODEL = "XF305"
_CANON_SERIAL = "300102004711"


@dataclass(frozen=True)
class SonyClip:
    """What the sidecar of one Sony clip says; ``size`` is (width, height)."""

    name: str
    frames: int
    fps: int
    timecode: str
    start: datetime
    size: tuple[int, int]

    @property
    def umid(self) -> str:
        """A basic UMID: SMPTE's label, length, instance, and a material number of this clip."""
        number = blake2b(f"{self.name}{self.start.isoformat()}".encode(), digest_size=16).hexdigest()
        return f"060A2B340101010501010D4313000000{number}".upper()


@dataclass(frozen=True)
class CanonClip:
    """What the sidecars of one Canon clip say."""

    name: str
    frames: int
    fps: int
    timecode: str
    start: datetime


def backwards(timecode: str) -> str:
    """``HH:MM:SS:FF`` as Sony writes it: frames, seconds, minutes, hours in eight digits."""
    return "".join(reversed(timecode.replace(";", ":").split(":")))


def sony_clip_xml(clip: SonyClip) -> bytes:
    """``C0001M01.XML``: the metadata that does not change with time."""
    width, height = clip.size
    hours, minutes, seconds, frames = (int(part) for part in clip.timecode.split(":"))
    last = ((hours * 60 + minutes) * 60 + seconds) * clip.fps + frames + clip.frames - 1
    whole, ff = divmod(last, clip.fps)
    end = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{ff:02d}"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<NonRealTimeMeta xmlns="urn:schemas-professionalDisc:nonRealTimeMeta:ver.2.20" \
lastUpdate="{clip.start.isoformat()}">
\t<TargetMaterial umidRef="{clip.umid}"/>
\t<Duration value="{clip.frames}"/>
\t<LtcChangeTable tcFps="{clip.fps}" halfStep="false">
\t\t<LtcChange frameCount="0" value="{backwards(clip.timecode)}" status="increment"/>
\t\t<LtcChange frameCount="{clip.frames - 1}" value="{backwards(end)}" status="end"/>
\t</LtcChangeTable>
\t<CreationDate value="{clip.start.isoformat()}"/>
\t<VideoFormat>
\t\t<VideoRecPort port="DIRECT"/>
\t\t<VideoFrame videoCodec="AVC_{width}_{height}_HP@L30" captureFps="{clip.fps}p" formatFps="{clip.fps}p"/>
\t\t<VideoLayout pixel="{width}" numOfVerticalLine="{height}" aspectRatio="16:9"/>
\t</VideoFormat>
\t<AudioFormat numOfChannel="2">
\t\t<AudioRecPort port="DIRECT" audioCodec="LPCM16" trackDst="CH1"/>
\t\t<AudioRecPort port="DIRECT" audioCodec="LPCM16" trackDst="CH2"/>
\t</AudioFormat>
\t<Device manufacturer="Sony" modelName="{_SONY_MODEL}" serialNo="{_SONY_SERIAL}"/>
\t<RecordingMode type="normal" cacheRec="false"/>
</NonRealTimeMeta>
""".encode()


def sony_index(clips: Sequence[SonyClip]) -> bytes:
    """``MEDIAPRO.XML``: every clip of the card."""
    materials = "".join(_material(clip) for clip in clips)
    created = clips[0].start.isoformat()
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<MediaProfile xmlns="http://xmlns.sony.net/pro/metadata/mediaprofile" createdAt="{created}" version="2.10">
\t<Properties>
\t\t<System systemId="9C5CF9FFFE0A1B2C" systemKind="{_SONY_MODEL} ver.2.00" masterVersion="XAVC-M4@1.20.00"/>
\t\t<Attached mediaId="A1B2C3D4E5F60718293A4B5C6D7E8F90" mediaKind="AffordableMemoryCard" mediaName=""/>
\t</Properties>
\t<Contents>
{materials}\t</Contents>
</MediaProfile>
""".encode()


def _material(clip: SonyClip) -> str:
    codec = f"AVC_{clip.size[0]}_{clip.size[1]}_HP@L30"
    return f"""\t\t<Material uri="./CLIP/{clip.name}.MP4" type="MP4" videoType="{codec}" audioType="LPCM16" \
fps="{clip.fps}p" dur="{clip.frames}" ch="2" aspectRatio="16:9" offset="0" umid="{clip.umid}" status="OK">
\t\t\t<RelevantInfo uri="./CLIP/{clip.name}M01.XML" type="XML"/>
\t\t\t<RelevantInfo uri="./THMBNL/{clip.name}T01.JPG" type="JPG"/>
\t\t\t<Proxy uri="./SUB/{clip.name}S03.MP4" type="MP4"/>
\t\t</Material>
"""


def gopro_version() -> bytes:
    """``MISC/version.txt``: almost JSON, with the comma too many that the camera writes."""
    return (
        b'{\n"info version":"2.0",\n"firmware version":"H21.01.01.30.00",\n"wifi mac":"0441693f8a21",\n'
        b'"camera type":"HERO10 Black",\n"camera serial number":"C3461324500123",\n}\n'
    )


def canon_files(clip: CanonClip) -> dict[str, bytes]:
    """The sidecars in a clip's folder but its thumbnail: {name: content}."""
    described = f"""<?xml version="1.0" encoding="UTF-8"?>
<ClipContent>
\t<ClipName>{clip.name}</ClipName>
\t<Duration>{clip.frames}</Duration>
\t<EditUnit>1/{clip.fps}</EditUnit>
\t<StartTimecode>{clip.timecode}</StartTimecode>
\t<StartDate>{clip.start.isoformat()}</StartDate>
\t<Device>
\t\t<Manufacturer>Canon</Manufacturer>
\t\t<ModelName>{_CANON_MODEL}</ModelName>
\t\t<SerialNo>{_CANON_SERIAL}</SerialNo>
\t</Device>
</ClipContent>
""".encode()
    return {
        f"{clip.name}.XML": described,
        f"{clip.name}.CIF": b"CIF0" + clip.name.encode() + clip.frames.to_bytes(4, "big") + bytes(48),
        f"{clip.name}01.CPF": b"CPF0" + clip.name.encode() + bytes(52),
    }
